"""The stack's secret with the digests of API keys and the key of tickets, read and written whole.

Secrets Manager knows no conditional write: of two people who change it in the same second, one change is lost. The
command that was lost shows in `trebuche keys list`.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cli.aws_clock import AwsClock
from cli.errors import CommandError
from cli.target import Target
from trebuche.adapters.failures import code_of
from trebuche.auth.api_keys import SECRET_BYTES, SecretDocument, read_secret, write_secret
from trebuche.auth.remembered import SECRET_PATIENCE
from trebuche.documents import Json
from trebuche.errors import MalformedError


class SecretsClient(Protocol):
    """What is needed of boto3's client."""

    def get_secret_value(self, **request: str) -> Mapping[str, Any]:
        """The current value."""

    def put_secret_value(self, **request: str) -> Mapping[str, Any]:
        """A new one."""


class AuthSecret:
    """A stack's secret.

    Args:
        client: boto3's client of Secrets Manager.
        name: Of the secret.
        clock: Lets time pass.
    """

    def __init__(self, client: SecretsClient, name: str, clock: AwsClock) -> None:
        self._client = client
        self._name = name
        self._clock = clock

    @classmethod
    def of(cls, target: Target) -> "AuthSecret":
        """The secret of a deployed stack.

        Raises:
            CommandError: Nothing in its configuration needs one.
        """
        name = target.deployment.outputs.get("auth_secret")
        if not name:
            raise CommandError(
                f"Stack {target.stack.name} takes neither API keys nor tickets. Say `api_keys: true` or "
                "`tickets: {}` under auth in trebuche.yaml, and deploy."
            )
        client: SecretsClient = target.session.client("secretsmanager")
        return cls(client, str(name), AwsClock())

    def read(self) -> SecretDocument:
        """What it holds; nothing as long as nobody has written it.

        Raises:
            CommandError: Somebody else has written something else.
        """
        try:
            return read_secret(str(self._client.get_secret_value(SecretId=self._name).get("SecretString", "")))
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return SecretDocument()
            raise
        except MalformedError as error:
            raise CommandError(f"Secret {self._name} cannot be read: {error}.") from error

    def write(self, document: SecretDocument) -> None:
        """Write all of it."""
        self._client.put_secret_value(SecretId=self._name, SecretString=write_secret(document))

    def write_more(self, document: SecretDocument) -> None:
        """Write what has something new, and return when it counts: an authorizer may have asked a moment ago."""
        self.write(document)
        self._clock.pause(SECRET_PATIENCE.pause_ms / 1000)

    def ticket_key(self) -> bytes:
        """The key of tickets, made when there is none."""
        document = self.read()
        if document.ticket_key:
            return document.ticket_key
        key = secrets.token_bytes(SECRET_BYTES)
        self.write_more(SecretDocument(document.keys, key))
        return key


def read_claims(pairs: tuple[str, ...]) -> dict[str, Json]:
    """Claims from ``name=value``; a value that is JSON is that, any other a text.

    Raises:
        CommandError: One of them is none.
    """
    claims: dict[str, Json] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise CommandError(f"{pair!r} is no claim; it must be name=value, such as role=admin")
        try:
            claims[name] = json.loads(value)
        except ValueError:
            claims[name] = value
    return claims
