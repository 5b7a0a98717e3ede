"""The work of ``trebuche revoke``: the right is taken back, then every connection that it had opened is closed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cli.account import speaking_to_aws
from cli.aws_clock import AwsClock, clock_of
from cli.errors import CommandError
from cli.output import OK, Output
from cli.target import Target
from trebuche.adapters.dynamodb_access import DynamoDBAccessBook
from trebuche.adapters.dynamodb_connections import DynamoDBConnectionStorage
from trebuche.answers import failed_stream
from trebuche.auth.principals import revocable
from trebuche.delivery import YOUNG_MS
from trebuche.envelopes import encode
from trebuche.errors import RevokedError
from trebuche.stored import Connection

if TYPE_CHECKING:
    from types_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

_HOUR_SECONDS = 3_600
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Doors:
    """What a revocation is written in, and what it closes."""

    book: DynamoDBAccessBook
    connections: DynamoDBConnectionStorage
    sockets: "ApiGatewayManagementApiClient"
    clock: AwsClock

    @classmethod
    def of(cls, target: Target) -> "Doors":
        """Those of a deployed stack.

        Raises:
            CommandError: It asks nobody for credentials.
        """
        outputs, session = target.deployment.outputs, target.session
        if "access_table" not in outputs:
            raise CommandError(
                f"Stack {target.stack.name} asks nobody for credentials (auth in trebuche.yaml is none)."
            )
        tables, clock = session.client("dynamodb"), clock_of(session)
        return cls(
            DynamoDBAccessBook(lambda: tables, str(outputs["access_table"]), clock),
            DynamoDBConnectionStorage(lambda: tables, str(outputs["connections_table"])),
            session.client("apigatewaymanagementapi", endpoint_url=str(outputs["management_endpoint"])),
            clock,
        )

    def close_all_of(self, name: str) -> int:
        """Tell each stream of a principal or a credential why it ends, and close the connections; how many."""
        found = [one for one in self.connections.every() if name in revocable(one.principal, one.credential)]
        failures = [failure for one in sorted(found, key=_age) if (failure := self._close(one))]
        if failures:
            raise failures[0]
        return len(found)

    def _close(self, connection: Connection) -> ClientError | None:
        """Why it could not be closed: the others are, all the same."""
        for stream_id in connection.streams:
            frame = encode(failed_stream(stream_id, stream_id, RevokedError()))
            try:
                self.sockets.post_to_connection(ConnectionId=connection.connection_id, Data=frame.encode())
            except ClientError:
                break  # the close is what counts
        while True:
            try:
                self.sockets.delete_connection(ConnectionId=connection.connection_id)
            except ClientError as error:
                if error.response["Error"]["Code"] != "GoneException":
                    return error
                # A young one may be about to open: its `$connect` was over before the revocation was written down.
                if self.clock.now_ms() - connection.connected_at < YOUNG_MS:
                    self.clock.pause(_PAUSE_SECONDS)
                    continue
            return None


def _age(connection: Connection) -> int:
    """The oldest come first: by the time that the young ones' turn has come, they have opened."""
    return connection.connected_at


def revoke_and_print(output: Output, target: Target, name: str, hours: int | None) -> int:
    """Take a principal (or ``key:<id>``) its right, for some hours or for good, and close its connections.

    Raises:
        CommandError: The stack asks nobody for credentials, or AWS refuses.
    """
    with speaking_to_aws():
        doors = Doors.of(target)
        doors.book.revoke(name, ttl=doors.clock.now() + hours * _HOUR_SECONDS if hours else 0)
        closed = doors.close_all_of(name)
    if output.as_json:
        output.document({**target.describe(), "revoked": name, "hours": hours, "closed": closed})
    else:
        how_long = f"for {hours} hours" if hours else "for good"
        output.success(f"{name} is revoked on stack {target.stack.name} {how_long}; connections closed: {closed}.")
    return OK


def restore_and_print(output: Output, target: Target, name: str) -> int:
    """Give a principal or a key its right back.

    Raises:
        CommandError: The stack asks nobody for credentials, or AWS refuses.
    """
    with speaking_to_aws():
        Doors.of(target).book.restore(name)
    if output.as_json:
        output.document({**target.describe(), "restored": name})
    else:
        output.success(f"{name} may connect to stack {target.stack.name} again.")
    return OK
