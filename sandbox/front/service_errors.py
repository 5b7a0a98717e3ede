"""Errors in the protocol of the service that was asked, whichever it was."""

import json
import re
from typing import Final
from xml.sax.saxutils import escape

from aiohttp import web

from sandbox.aws import AwsRefusedError
from sandbox.front.proxy import refusal
from sandbox.front.service_models import Mistake
from sandbox.telemetry import cbor

BROKEN: Final = AwsRefusedError(
    500, "InternalFailure", "The sandbox failed on this request; its own output has the reason, with a traceback."
)
_XML_SERVICE: Final = re.compile(r"Credential=[^,]+/s3/aws4_request")


def of_mistake(mistake: Mistake) -> AwsRefusedError:
    """How a service refuses a request that its model does not have so."""
    if mistake.service == "apigatewayv2":
        code = "BadRequestException"
    else:
        code = "ValidationException" if mistake.missing else "SerializationException"
    return AwsRefusedError(400, code, mistake.message)


def in_protocol(request: web.BaseRequest, error: AwsRefusedError) -> web.Response:
    """An error as an SDK reads it that has sent this request."""
    document = {"__type": error.code, "message": error.message}
    if request.path.startswith("/service/"):
        headers = {"smithy-protocol": "rpc-v2-cbor", "x-amzn-query-error": f"{error.code};{_blamed(error)}"}
        body = cbor.dumps(document)
        return web.Response(status=error.status, body=body, headers=headers, content_type="application/cbor")
    if "X-Amz-Target" in request.headers:
        text = json.dumps(document)
        return web.Response(status=error.status, text=text, content_type="application/x-amz-json-1.0")
    # Services with paths speak JSON, whatever they are sent.
    if request.path == "/" and request.content_type == "application/x-www-form-urlencoded":
        return _xml(error, f"<ErrorResponse><Error><Type>{_blamed(error)}</Type>%s</Error></ErrorResponse>")
    if _XML_SERVICE.search(request.headers.get("Authorization", "")):
        return _xml(error, "<Error>%s</Error>")
    return refusal(error)


def _xml(error: AwsRefusedError, form: str) -> web.Response:
    text = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    return web.Response(status=error.status, text=form % text, content_type="application/xml")


def _blamed(error: AwsRefusedError) -> str:
    return "Sender" if error.status < 500 else "Receiver"
