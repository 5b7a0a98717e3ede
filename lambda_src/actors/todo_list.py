"""A shared list of things to do."""

from dataclasses import dataclass, field

from trebuche import Actor, ActorFailure, distributed


@dataclass
class Todo:
    """One thing to do."""

    id: str
    title: str
    completed: bool = False


@dataclass
class Todos:
    """What the list holds, in the order in which it was added."""

    todos: list[Todo] = field(default_factory=list)


class TodoList(Actor[Todos], exposed_as="todos"):
    """A list that everybody who watches it sees change: ``todos``, or one of their own as ``todos/<name>``."""

    @distributed
    def add_todo(self, title: str) -> Todo:
        """Put something at the end of the list."""
        todo = Todo(id=self.new_id(), title=_checked(title))
        self.state.todos.append(todo)
        return todo

    @distributed
    def toggle_todo(self, id: str) -> Todo:
        """Tick something off, or take the tick back."""
        todo = self._find(id)
        todo.completed = not todo.completed
        return todo

    @distributed
    def rename_todo(self, id: str, title: str) -> Todo:
        """Give something another title."""
        todo = self._find(id)
        todo.title = _checked(title)
        return todo

    @distributed
    def remove_todo(self, id: str) -> None:
        """Take something off the list."""
        self.state.todos.remove(self._find(id))

    @distributed
    def clear_completed(self) -> int:
        """Take everything that is ticked off the list; how many that were."""
        open_todos = [todo for todo in self.state.todos if not todo.completed]
        cleared = len(self.state.todos) - len(open_todos)
        self.state.todos = open_todos
        return cleared

    def _find(self, id: str) -> Todo:
        for todo in self.state.todos:
            if todo.id == id:
                return todo
        raise ActorFailure(f"Todo '{id}' not found")


def _checked(title: str) -> str:
    title = title.strip()
    if not title:
        raise ActorFailure("A todo needs a title")
    return title
