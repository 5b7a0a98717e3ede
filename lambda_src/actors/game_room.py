"""A room in which players walk about and talk."""

from dataclasses import dataclass, field

from trebuche import Actor, ActorFailure, distributed

REMEMBERED_MESSAGES = 50


@dataclass
class Player:
    """Somebody in the room."""

    name: str
    x: int = 0
    y: int = 0
    score: int = 0


@dataclass
class Message:
    """Something that was said."""

    player: str
    text: str


@dataclass
class Room:
    """Who is there, by name, and what was said last."""

    players: dict[str, Player] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)


class GameRoom(Actor[Room], exposed_as="game"):
    """A room: ``game``, or one of many as ``game/<name>``."""

    @distributed
    def join(self, player: str) -> Player:
        """Enter the room; who is there already stays where they are."""
        if not player.strip():
            raise ActorFailure("A player needs a name")
        return self.state.players.setdefault(player, Player(name=player))

    @distributed
    def leave(self, player: str) -> None:
        """Leave the room."""
        del self.state.players[self._find(player).name]

    @distributed
    def move(self, player: str, dx: int, dy: int) -> Player:
        """Take steps to the right and up, or back with negative numbers."""
        moving = self._find(player)
        moving.x += dx
        moving.y += dy
        return moving

    @distributed
    def say(self, player: str, text: str) -> None:
        """Say something to everybody in the room."""
        said = Message(player=self._find(player).name, text=text)
        self.state.messages = [*self.state.messages, said][-REMEMBERED_MESSAGES:]

    def _find(self, player: str) -> Player:
        if player not in self.state.players:
            raise ActorFailure(f"Player '{player}' not found")
        return self.state.players[player]
