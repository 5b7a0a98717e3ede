"""Stream processors that die while they hand a subscriber over, beside others that still keep it as one to post to."""

from dataclasses import replace

import pytest

from actors.todo_list import TodoList
from tests.support.steps import Task
from tests.support.world import World
from trebuche.adapters.audience_cache import CachedAudiences
from trebuche.adapters.memory import InMemoryConnectionSender
from trebuche.changes import Change, read_change
from trebuche.errors import ThrottledError
from trebuche.ports import Ports
from trebuche.reminders import write_reminder
from trebuche.streams import fan_out


class Slow(InMemoryConnectionSender):
    """Takes nothing for a while."""

    slow = False

    def send(self, connection_id: str, text: str) -> None:
        """Refuse, while it is slow."""
        if self.slow:
            raise ThrottledError(f"{connection_id} reads too slowly")
        super().send(connection_id, text)


def add(world: World, title: str) -> list[Change]:
    """Change the actor; what its stream says of that."""
    world.result("todos", "addTodo", title)
    return [change for change in map(read_change, world.records()) if change is not None]


def deliver(ports: Ports, changes: list[Change], *, until: str = "") -> None:
    """Let a container work off changes, until it dies over an effect."""
    task = Task(ports, fan_out(changes))
    while not task.done and not (until and task.effects and type(task.effects[-1]).__name__ == until):
        task.step()
    task.crash()


@pytest.mark.parametrize("dies_after", ["GoOpening", "RaisePending"])
def test_nobody_posts_past_a_worker_that_was_reminded(dies_after: str) -> None:
    """Wherever the first container dies: who keeps the audience hears of it before the row is told of the change."""
    world = World(TodoList)
    world.use(sender=Slow())
    sender = world.sender
    assert isinstance(sender, Slow)
    world.connect("c1")
    world.watch("todos")
    dying, keeping = (
        replace(world.ports, subscriptions=CachedAudiences(world.subscriptions, least_rows=1)) for _ in range(2)
    )
    for title in ("Milk", "Bread", "Salt"):
        deliver(keeping, add(world, title))
    sender.slow = True
    late = add(world, "Tea")
    deliver(dying, late, until=dies_after)
    deliver(world.ports, late)
    sender.slow = False
    deliver(keeping, add(world, "Rice"))
    numbers = [number for number, _ in world.values()]
    reminders = [write_reminder(reminder) for reminder, _ in world.catch_ups.sent]
    world.gateway.catch_up({"Records": [{"messageId": str(i), "body": body} for i, body in enumerate(reminders)]})
    assert [*numbers, *(number for number, _ in world.values())] == [1, 2, 3, 4, 5, 6]
