"""Marks of callers in memory."""

import threading

from trebuche.ports import Mark


class InMemoryCounters:
    """Marks in a dictionary; one lock makes each move atomic."""

    def __init__(self) -> None:
        self.marks: dict[str, int] = {}
        self._lock = threading.Lock()

    def move(self, key: str, *, now_us: int, length_us: int, latest_us: int, seen_us: int = 0) -> Mark:  # noqa: ARG002
        """Move a caller's mark on, unless it is too far ahead."""
        with self._lock:
            before = self.marks.get(key, 0)
            if before > latest_us:
                return Mark(before, moved=False)
            self.marks[key] = max(before, now_us) + length_us
            return Mark(self.marks[key], moved=True)

    def give_back(self, key: str, length_us: int) -> int:
        """Move a mark back."""
        with self._lock:
            self.marks[key] = self.marks.get(key, 0) - length_us
            return self.marks[key]
