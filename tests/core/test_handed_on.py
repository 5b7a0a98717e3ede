"""What somebody gives up is another's by then: a row that a worker puts off, changes that were not delivered."""

from dataclasses import replace

from actors.game_room import GameRoom
from actors.todo_list import TodoList
from tests.support.world import World
from trebuche.adapters.memory import InMemoryCatchUpQueue, InMemoryConnectionSender, InMemorySubscriptionStorage
from trebuche.batches import BatchReply
from trebuche.errors import ServiceError, ThrottledError
from trebuche.reminders import write_reminder
from trebuche.stored import Reminder, Subscription
from trebuche.stream_adapter import DynamoDBStreamAdapter
from trebuche.streams import first_failed


class Slow(InMemoryConnectionSender):
    """Takes nothing while it is slow."""

    slow = False

    def send(self, connection_id: str, text: str) -> None:
        """Refuse, while it is."""
        if self.slow:
            raise ThrottledError("slow down")
        super().send(connection_id, text)


class Full(InMemoryCatchUpQueue):
    """Takes no message while it is full."""

    full = False

    def send(self, reminder: Reminder, *, delay_seconds: int) -> None:
        """Refuse, while it is."""
        if self.full:
            raise ServiceError("the queue takes nothing")
        super().send(reminder, delay_seconds=delay_seconds)


def test_a_worker_lets_go_of_a_row_only_when_another_is_reminded_of_it() -> None:
    """Its own message comes again if the queue takes no other, and still has to be about the row."""
    world = World(TodoList)
    sender, queue = Slow(), Full()
    world.catch_ups = queue
    world.use(sender=sender)
    world.connect("c1")
    world.watch("todos")
    sender.slow = True
    world.result("todos", "addTodo", "Milk")
    world.pump()
    reminder, _ = queue.sent[-1]
    queue.full = True
    assert work(world, reminder) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    sender.slow = queue.full = False
    assert work(world, reminder) == {"batchItemFailures": []}
    assert [number for number, _ in world.values()] == [1, 2]


def work(world: World, reminder: Reminder) -> BatchReply:
    """Let a worker read a message."""
    return world.gateway.catch_up({"Records": [{"messageId": "0", "body": write_reminder(reminder)}]})


def test_a_batch_comes_again_from_the_first_change_that_failed() -> None:
    """Of two actors that both failed it is the one whose change came first, whichever was looked at last."""

    class Unreadable(InMemorySubscriptionStorage):
        def subscribers(self, actor_id: str, *, now: int) -> tuple[Subscription, ...]:
            raise ServiceError(f"{actor_id} at {now}")

    world = World(TodoList, GameRoom)
    processor = DynamoDBStreamAdapter(replace(world.ports, subscriptions=Unreadable()))
    world.result("todos", "addTodo", "Milk")
    world.result("game", "join", "ada")
    first, last = world.records()
    for records in ([first, last], [last, first]):
        failed = processor.handle({"Records": records})["batchItemFailures"]
        assert failed == [{"itemIdentifier": first["dynamodb"]["SequenceNumber"]}]


def test_numbers_of_records_are_no_texts() -> None:
    """They have up to 40 digits, and not all as many."""
    assert first_failed(["1" * 30, None, "9" * 21, "2" * 21]) == "2" * 21
    assert first_failed([None, None]) is None
