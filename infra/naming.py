"""Names of what is deployed, and the lengths that AWS allows. Standard library only."""

import hashlib
import re
from dataclasses import dataclass

PRODUCTION = "production"
"""The stack whose resources carry the names of trebuche.yaml without a suffix."""

FUNCTION_LIMIT = 64
"""Lambda function names; IAM role names have the same limit."""
QUEUE_LIMIT = 80
TABLE_LIMIT = 255
API_LIMIT = 128
ALARM_LIMIT = 255
STAGE_LIMIT = 128

_DIGEST_CHARACTERS = 8


def fit(name: str, limit: int) -> str:
    """Cut a name that is too long; a digest of the whole name keeps two of them apart."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{name[: limit - _DIGEST_CHARACTERS - 1]}-{digest}"


def kebab(class_name: str) -> str:
    """``TodoList`` to ``todo-list``, ``HTTPRoom2`` to ``http-room2``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", class_name)
    return "-".join(word for word in re.split(r"[-_]+", words) if word).lower()


def actor_role(class_name: str) -> str:
    """The role of an actor type's function among the stack's functions."""
    return f"actor-{kebab(class_name)}"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one stack."""

    application: str
    """``name`` of trebuche.yaml."""
    stack: str

    @property
    def base(self) -> str:
        """What the names made here start with."""
        return self.staged(self.application)

    def staged(self, name: str) -> str:
        """A name of trebuche.yaml as this stack uses it."""
        return name if self.stack == PRODUCTION else f"{name}-{self.stack}"

    def function(self, role: str) -> str:
        """Of a function; its execution role and its log group are named after it."""
        return fit(f"{self.base}-{role}", FUNCTION_LIMIT)

    def table(self, name: str) -> str:
        """Of a table that trebuche.yaml names."""
        return fit(self.staged(name), TABLE_LIMIT)

    def own_table(self, role: str) -> str:
        """Of a table that trebuche.yaml does not name."""
        return fit(f"{self.base}-{role}", TABLE_LIMIT)

    def queue(self, role: str) -> str:
        """Of a queue."""
        return fit(f"{self.base}-{role}", QUEUE_LIMIT)

    def auth_secret(self) -> str:
        """Of the secret with the digests of API keys."""
        return f"{self.base}-auth"

    def authorizer(self) -> str:
        """Of the API's authorizer."""
        return fit(f"{self.base}-connect", API_LIMIT)

    def account_role(self) -> str:
        """Of the role with which API Gateway writes logs."""
        return fit(f"{self.base}-api-logs", FUNCTION_LIMIT)

    def access_log_group(self) -> str:
        """Where API Gateway writes a line for each message."""
        return f"/aws/apigateway/{self.api()}"

    def api(self) -> str:
        """Of the WebSocket API."""
        return fit(f"{self.base}-websocket", API_LIMIT)


def alarm(watched: str, what: str) -> str:
    """Of the alarm for one way in which something can fail."""
    return fit(f"{watched}-{what}", ALARM_LIMIT)


def log_group(function: str) -> str:
    """Where Lambda writes a function's logs."""
    return f"/aws/lambda/{function}"
