"""What a function answers through a proxy integration, as API Gateway reads it. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from sandbox.front.outcome import BROKEN, Outcome, read_status

# RFC 9110, section 5: a name is a token, and no value has a line break or another control character.
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def read_answer(payload: bytes) -> Outcome:
    """A proxy integration must return an object with an integer ``statusCode``; anything else is an error of it.

    So are headers that cannot be sent: the format is all or nothing (developer guide, "Output format of a Lambda
    function for proxy integration").
    """
    try:
        document = json.loads(payload)
        status, body = read_status(document.get("statusCode")), document.get("body")
        headers = _read_headers(document)
    except (ValueError, TypeError, AttributeError):
        return BROKEN
    if status is None or not (body is None or isinstance(body, str)):
        return BROKEN
    return Outcome(status, body, headers, integration_status=status)


def _read_headers(document: Any) -> dict[str, str]:
    """Names in lower case; what ``multiValueHeaders`` has of a name goes before what ``headers`` has of it.

    Raises:
        ValueError: A name or a value cannot be sent.
        TypeError: The answer is not of this form.
        AttributeError: The same.
    """
    if not document.get("headers") and not document.get("multiValueHeaders"):
        return {}
    single = {name: [value] for name, value in (document.get("headers") or {}).items()}
    return dict(_joined({**single, **(document.get("multiValueHeaders") or {})}))


def _joined(headers: dict[str, object]) -> Iterator[tuple[str, str]]:
    for name, values in headers.items():
        if not isinstance(values, list) or any(isinstance(value, dict | list) for value in values):
            raise TypeError(name)
        texts = [value if isinstance(value, str) else json.dumps(value) for value in values if value is not None]
        if not _NAME.fullmatch(name) or not all(map(_VALUE.fullmatch, texts)):
            raise ValueError(name)
        if texts:
            yield name.lower(), ", ".join(texts)
