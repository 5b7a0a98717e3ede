"""Requests to AWS's services without botocore, which takes three times as long as all the rest of a cold start.

What is asked, and what comes back, is what botocore's client of the service asks and gives (``tests/contract`` holds
them side by side), and failures are botocore's errors. Attempts are repeated as its retry mode ``standard`` does.
"""

import json
import os
import random
import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlsplit

from botocore.exceptions import ClientError, HTTPClientError

from trebuche.adapters.blocking_http import BlockingHttp
from trebuche.adapters.http_answers import Answer
from trebuche.adapters.signing import Signer
from trebuche.adapters.surroundings import Identity
from trebuche.adapters.trust import Tls
from trebuche.immutable import immutable

Document: TypeAlias = dict[str, Any]
Hook: TypeAlias = Callable[[Document], object]

_LONGEST_PAUSE_SECONDS: Final = 20.0
_OF_TRACES: Final = "-=;:+&[]{}\"',"
_FAILED: Final = frozenset({500, 502, 503, 504})
_PASSING: Final = frozenset(
    {
        *("RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"),
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled"),
        *("TooManyRequestsException", "ProvisionedThroughputExceededException", "TransactionInProgressException"),
        *("RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "SlowDown"),
        *("EC2ThrottledException",),
    }
)
"""Codes that another attempt may not meet (AWS SDKs and Tools reference guide, "Retry behavior")."""


@immutable
class Service:
    """One service in one region."""

    address: str
    signing_name: str
    region: str
    identity: Identity


class ServiceHttp:
    """Signed requests to one service, each sent again when an attempt failed in passing.

    Args:
        service: Where it is, and who asks.
        answer_seconds: How long each part of an answer may take.
        attempts: At most; 1 where a request must not be carried out twice.
        tls: Encrypts, where the address says so.
        hook: Makes of each object in a document what stands for it here.
    """

    def __init__(
        self, service: Service, *, answer_seconds: float, attempts: int, tls: Tls, hook: Hook | None = None
    ) -> None:
        parts = urlsplit(service.address)
        secure = parts.scheme == "https"
        self._address = service.address
        self._path = parts.path.rstrip("/")
        self._signer = Signer(lambda: service.identity, service.region, service.signing_name, parts.netloc)
        self._connections = BlockingHttp(
            parts.hostname or "",
            parts.port or (443 if secure else 80),
            tls if secure else None,
            answer_seconds=answer_seconds,
        )
        self._attempts = attempts
        self._hook = hook
        self._rest = time.sleep

    def post(self, operation: str, path: str, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        """The answer to a request that was carried out.

        Args:
            operation: What errors call it.
            path: Below the service's address, percent-encoded.
            body: Of the request.
            headers: Further ones, with names in small letters.

        Raises:
            ClientError: The service refused or failed.
            HTTPClientError: No answer; it may have been carried out.
        """
        attempt = 0
        while True:
            outcome = self._once(operation, path, body, headers)
            if isinstance(outcome, Answer):
                return outcome
            attempt += 1
            if attempt == self._attempts:
                raise outcome
            self._rest(random.random() * min(2.0 ** (attempt - 1), _LONGEST_PAUSE_SECONDS))

    def read(self, answer: Answer) -> Document:
        """The document of an answer; text that is none is its message, as botocore has it."""
        try:
            document = json.loads(answer.body or b"{}", object_hook=self._hook)
        except ValueError:
            document = answer.body.decode(errors="replace")
        return document if isinstance(document, dict) else {"message": str(document)}

    def forget(self) -> None:
        """Close idle connections, such as those of a snapshot that was restored elsewhere."""
        self._connections.forget()

    def _once(
        self, operation: str, path: str, body: bytes, headers: tuple[tuple[str, str], ...]
    ) -> Answer | ClientError | HTTPClientError:
        """An answer, or a failure that another attempt may not meet; any other one is raised."""
        # Signed anew each time: pauses may add up to more than AWS lets pass.
        head = self._signer.head("POST", self._path + path, body, time.time(), headers)
        try:
            answer = self._connections.exchange(f"{head}{_trace()}content-length: {len(body)}\r\n\r\n".encode() + body)
        except OSError as error:
            return HTTPClientError(error=f"{type(error).__name__}: {error} ({self._address})")
        if answer.status < 300:
            return answer
        failure = _failure(operation, answer, self.read(answer))
        if answer.status in _FAILED or failure.response["Error"]["Code"] in _PASSING:
            return failure
        raise failure


def _trace() -> str:
    """The header by which X-Ray and Lambda's loop detection see what called what; unsigned, since it may change."""
    trace = os.environ.get("_X_AMZN_TRACE_ID")
    return f"x-amzn-trace-id: {quote(trace, safe=_OF_TRACES)}\r\n" if trace else ""


def _failure(operation: str, answer: Answer, document: Document) -> ClientError:
    """An error answer as botocore raises it, with what its document says beside code and text."""
    named = answer.header("x-amzn-errortype") or str(document.pop("__type", answer.status))
    message = document.pop("message", None) or document.pop("Message", None) or ""
    response: Any = {
        **document,
        # "com.amazonaws…#GoneException" and "GoneException:http://internal…" are seen as well.
        "Error": {"Code": named.partition(":")[0].rpartition("#")[2], "Message": message},
        "ResponseMetadata": {
            "RequestId": answer.header("x-amzn-requestid") or "unknown",
            "HTTPStatusCode": answer.status,
        },
    }
    return ClientError(response, operation)
