"""The other services as botocore's clients have them, as far as one or two operations of each are needed."""

import io
from typing import Any
from urllib.parse import quote

from trebuche.adapters.json_service import JsonService
from trebuche.adapters.service_http import Document, ServiceHttp


class SQSHttp(JsonService):
    """Queues."""

    def send_message(self, **request: Any) -> Document:
        """Send a message."""
        return self.call("SendMessage", request)


class ServiceDiscoveryHttp(JsonService):
    """Cloud Map."""

    def discover_instances(self, **request: Any) -> Document:
        """The instances of a service."""
        return self.call("DiscoverInstances", request)


class SecretsManagerHttp(JsonService):
    """Secrets."""

    def get_secret_value(self, **request: Any) -> Document:
        """A secret's value."""
        return self.call("GetSecretValue", request)


class LambdaHttp:
    """Functions.

    Args:
        http: To Lambda.
    """

    def __init__(self, http: ServiceHttp) -> None:
        self._http = http

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Document:  # noqa: N803  (botocore's names)
        """Call a function and wait for its answer."""
        path = f"/2015-03-31/functions/{quote(FunctionName, safe='~')}/invocations"
        answer = self._http.post("Invoke", path, Payload)
        found: Document = {"StatusCode": answer.status, "Payload": io.BytesIO(answer.body)}
        if error := answer.header("x-amz-function-error"):
            found["FunctionError"] = error
        return found

    def forget(self) -> None:
        """Close idle connections, such as those of a snapshot that was restored elsewhere."""
        self._http.forget()
