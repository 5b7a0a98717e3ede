"""How much of what a soak does."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A soak before it runs.

    Attributes:
        seed: Decides what clients do and which faults strike; what overlaps is up to the machine.
        calls: Of each client.
        at_once: Calls of one client that are under way together.
        swift: Share of clients with Swift's habits.
        cut_seconds: Shortest and longest life of a socket.
        cut_frames: Fewest and most frames that a socket brings; on a quick machine few live as long as they may.
        faults: Whether anything but sockets breaks.
        watching: Share of clients that observe.
        together: Whether clients wait for one another before their first call.
    """

    seed: int
    clients: int = 30
    calls: int = 60
    actors: int = 5
    at_once: int = 1
    swift: float = 0.2
    cut_seconds: tuple[float, float] = (5.0, 15.0)
    cut_frames: tuple[int, int] = (50, 500)
    faults: bool = True
    watching: float = 1.0
    together: bool = False
