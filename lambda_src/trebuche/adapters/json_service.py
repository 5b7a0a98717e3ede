"""Services that take a JSON document and the name of an operation: AWS's protocols ``json`` 1.0 and 1.1."""

import json
from binascii import b2a_base64

from trebuche.adapters.service_http import Document, ServiceHttp


class JsonService:
    """Operations of one service.

    Args:
        http: To the service.
        target: What names of operations begin with in requests.
        version: Of the protocol.
    """

    def __init__(self, http: ServiceHttp, target: str, version: str) -> None:
        self._http = http
        self._target = target
        self._type = f"application/x-amz-json-{version}"

    def call(self, operation: str, request: Document) -> Document:
        """The document of an answer.

        Raises:
            ClientError: The service refused or failed.
            HTTPClientError: No answer; it may have been carried out.
        """
        headers = (("content-type", self._type), ("x-amz-target", f"{self._target}.{operation}"))
        return self._http.read(self._http.post(operation, "/", json.dumps(request, default=_base64).encode(), headers))

    def forget(self) -> None:
        """Close idle connections, such as those of a snapshot that was restored elsewhere."""
        self._http.forget()


def _base64(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return b2a_base64(value, newline=False).decode()
    raise TypeError(f"{type(value).__name__} has no place in a request")
