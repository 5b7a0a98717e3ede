"""A client of the endpoint that a command is for, with its errors in a command's words."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from cli.errors import EndpointError, RemoteError
from trebuche_client import (
    Backoff,
    CallFailedError,
    ClientError,
    ClientOptions,
    StateChange,
    StreamFailedError,
    TrebuchetClient,
)
from trebuche_client import EndpointError as RefusedError

_OPTIONS = ClientOptions(backoff=Backoff(first_seconds=0.2, longest_seconds=5.0))
"""One person waits: there is no fleet to spread."""


TOKEN_VARIABLE: Final = "TREBUCHE_TOKEN"


@dataclass(frozen=True, slots=True)
class Door:
    """Where a command connects, and with what.

    Attributes:
        endpoint: What the command line says; None: the one that runs here.
        token: What is shown at the door; None: nothing.
    """

    endpoint: str | None = None
    token: str | None = field(default=None, repr=False)


@asynccontextmanager
async def connected(
    address: str, *, token: str | None = None, on_state: Callable[[StateChange], None] | None = None
) -> AsyncIterator[TrebuchetClient]:
    """A client that is connected; what it raises becomes an error of the command.

    Raises:
        EndpointError: The endpoint refuses, does not answer, or not in time.
        RemoteError: The server answered with an error.
    """
    client = TrebuchetClient(address, token=token, options=_OPTIONS, on_state=on_state)
    try:
        await _connect(client)
        yield client
    except (CallFailedError, StreamFailedError) as error:
        text = str(error) + (f" [{error.code}]" if error.code else "")
        raise RemoteError(text, code=error.code, retryable=error.retryable) from error
    except ClientError as error:
        raise EndpointError(_sentence(error)) from error
    finally:
        await client.close()


async def _connect(client: TrebuchetClient) -> None:
    try:
        # Once: a command says right away that nobody is there.
        await client.connect(patience=0)
    except RefusedError as error:
        hint = "" if error.status else " Is `make run` still running?"
        raise EndpointError(_sentence(error) + hint) from error


def _sentence(error: ClientError) -> str:
    text = str(error)
    # An address is written as it is.
    return f"{text}." if "://" in text.split(" ", 1)[0] else f"{text[:1].upper()}{text[1:]}."
