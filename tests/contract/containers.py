"""A container of Lambda's, as far as a test needs one."""

from collections.abc import Iterator
from contextlib import contextmanager

from trebuche.adapters import clients


@contextmanager
def no_clients() -> Iterator[None]:
    """No client is made yet, as in a new container, and none that is made here outlives it."""
    _forget()
    try:
        yield
    finally:
        _forget()


def _forget() -> None:
    clients._made.clear()
    clients._stages.clear()
    clients._resolved.cache_clear()
    clients._session.cache_clear()
    clients._tls.cache_clear()
