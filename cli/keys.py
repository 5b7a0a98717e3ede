"""The work of ``trebuche keys …`` and ``trebuche ticket``."""

import secrets
import uuid
from datetime import UTC, datetime

from cli.account import speaking_to_aws
from cli.auth_secret import AuthSecret, read_claims
from cli.aws_clock import clock_of
from cli.errors import CommandError
from cli.output import OK, Output
from cli.target import Target
from trebuche.auth.api_keys import SECRET_BYTES, ApiKey, SecretDocument, digest_of, key_text
from trebuche.auth.principals import Principal, principal_name
from trebuche.auth.tickets import make_ticket
from trebuche.errors import CredentialsError

_DAY_SECONDS = 86_400


def add_key_and_print(output: Output, target: Target, name: str, claims: tuple[str, ...], days: int | None) -> int:
    """Make a key, keep its digest, and print it, once, when it opens the door.

    Raises:
        CommandError: The name or a claim is none, or the stack takes no keys.
    """
    until = clock_of(target.session).now() + days * _DAY_SECONDS if days else 0
    principal = Principal(_checked(name), until, read_claims(claims))
    key_id = uuid.uuid4().hex[:12]
    text = key_text(key_id, secrets.token_bytes(SECRET_BYTES))
    with speaking_to_aws():
        secret = AuthSecret.of(target)
        document = secret.read()
        added = {**document.keys, key_id: ApiKey(digest_of(text), principal)}
        secret.write_more(SecretDocument(added, document.ticket_key))
    if output.as_json:
        output.document({**target.describe(), "id": key_id, "principal": name, "key": text})
    else:
        output.line(text)
        output.success(f"Key {key_id} of {name} on stack {target.stack.name}. It is shown this once.")
    return OK


def list_keys_and_print(output: Output, target: Target) -> int:
    """Print which keys there are; what is kept of them opens nothing."""
    with speaking_to_aws():
        keys = AuthSecret.of(target).read().keys
    found = [
        {"id": key_id, "principal": key.principal.name, "claims": key.principal.claims, "until": key.principal.until}
        for key_id, key in sorted(keys.items())
    ]
    if output.as_json:
        output.document({**target.describe(), "keys": found})
        return OK
    for key_id, key in sorted(keys.items()):
        end = (
            datetime.fromtimestamp(key.principal.until, UTC).strftime(", until %Y-%m-%d") if key.principal.until else ""
        )
        output.line(f"{key_id}  {key.principal.name}{end}")
    if not found:
        output.note("There are no keys. Make one with `trebuche keys add NAME`.")
    return OK


def remove_key_and_print(output: Output, target: Target, key_id: str) -> int:
    """Forget a key: within a minute it opens no connection; those that it has opened go on.

    Raises:
        CommandError: There is no such key.
    """
    with speaking_to_aws():
        secret = AuthSecret.of(target)
        document = secret.read()
        if key_id not in document.keys:
            known = ", ".join(sorted(document.keys)) or "none"
            raise CommandError(f"There is no key {key_id} on stack {target.stack.name}; there are: {known}.")
        kept = {name: key for name, key in document.keys.items() if name != key_id}
        secret.write(SecretDocument(kept, document.ticket_key))
    output.success(
        f"Key {key_id} opens no connection any more, within a minute. To close those that it has opened, and at once: "
        f"`trebuche revoke --key {key_id} --stack {target.stack.name}`."
    )
    return OK


def ticket_and_print(output: Output, target: Target, name: str, claims: tuple[str, ...], seconds: int) -> int:
    """Make a ticket for one connection and print it.

    Raises:
        CommandError: The name or a claim is none, or the stack takes no tickets.
    """
    principal = Principal(_checked(name), 0, read_claims(claims))
    with speaking_to_aws():
        key = AuthSecret.of(target).ticket_key()
    end = clock_of(target.session).now() + seconds
    ticket = make_ticket(key, principal, ticket_id=uuid.uuid4().hex, end=end)
    if output.as_json:
        output.document({**target.describe(), "principal": name, "ticket": ticket, "seconds": seconds})
    else:
        output.line(ticket)
    return OK


def _checked(name: str) -> str:
    try:
        return principal_name(name)
    except CredentialsError as error:
        raise CommandError(f"{name!r} is no name for a principal: {error}.") from error
