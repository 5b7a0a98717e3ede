"""Holds requests against the services' own models, which botocore ships: types, and what must be there."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from aiohttp import web
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from sandbox.aws_models import service_model
from sandbox.telemetry import cbor

SERVICES: Final = ("apigatewayv2", "cloudwatch", "dynamodb", "dynamodbstreams", "lambda")
"""Those of which the front reads requests."""
_TARGET: Final = re.compile(r"(?P<prefix>[^.]+)\.(?P<operation>\w+)")
_CBOR: Final = re.compile(r"/service/(?P<prefix>\w+)/operation/(?P<operation>\w+)/?")
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float, str, datetime),
    "blob": (str, bytes),
    "list": (list,),
    "map": (dict,),
    "structure": (dict,),
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a request: something of the wrong type, or, with ``missing``, something that is not there."""

    service: str
    message: str
    missing: bool = False


def find_mistake(request: web.BaseRequest, body: bytes) -> Mistake | None:
    """The first thing in a request that is not as its operation's model has it; None if the operation is not known."""
    operation = _operation_of(request)
    if operation is None or not isinstance(operation.input_shape, StructureShape):
        return None
    if "payload" in operation.input_shape.serialization:  # the body is one member, in whatever form
        return None
    service = operation.service_model.service_name
    try:
        document = _read(request, body)
    except (ValueError, RecursionError):
        return Mistake(service, "The request could not be parsed")
    if not isinstance(document, dict):
        return Mistake(service, f"{_name_of(document)} found where an object is expected")
    return next(_mistakes(service, operation.input_shape, document, ""), None)


def _mistakes(service: str, shape: StructureShape, document: dict[str, Any], path: str) -> Iterator[Mistake]:
    for name, member in shape.members.items():
        if "location" in member.serialization:  # in the path, the query or a header
            continue
        key = member.serialization.get("name", name)
        if (value := document.get(key)) is not None:
            yield from _wrong(service, member, value, path + key)
        elif name in shape.required_members:
            # Such texts name members with a small letter, whatever they have in the request.
            place = f"{path}{key[0].lower()}{key[1:]}"
            text = f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
            yield Mistake(service, f"1 validation error detected: {text}", missing=True)


def _wrong(service: str, shape: Shape, value: Any, path: str) -> Iterator[Mistake]:
    kind = shape.type_name
    # JSON's true is an int in Python.
    fits = isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
    if not fits:
        article = "an" if kind == "integer" else "a"
        yield Mistake(service, f"{_name_of(value)} can not be converted to {article} {kind.capitalize()}: {path}")
    elif isinstance(shape, StructureShape):
        yield from _mistakes(service, shape, value, f"{path}.")
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value):
            yield from _wrong(service, shape.member, item, f"{path}[{number}]")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _wrong(service, shape.value, item, f"{path}.{key}")


def _name_of(value: object) -> str:
    """What AWS's readers of JSON call a value."""
    if isinstance(value, bool):
        return f"{str(value).upper()}_VALUE"
    names = {
        int: "NUMBER_VALUE",
        float: "DECIMAL_VALUE",
        str: "STRING_VALUE",
        list: "START_ARRAY",
        dict: "START_OBJECT",
    }
    return names.get(type(value), "NULL_VALUE" if value is None else "BLOB_VALUE")


def _read(request: web.BaseRequest, body: bytes) -> Any:
    if not body:
        return {}
    return cbor.loads(body) if _CBOR.fullmatch(request.path) else json.loads(body)


def _operation_of(request: web.BaseRequest) -> OperationModel | None:
    match = _CBOR.fullmatch(request.path) or _TARGET.fullmatch(request.headers.get("X-Amz-Target", ""))
    if match:
        for service in SERVICES:
            model = service_model(service)
            if model.metadata.get("targetPrefix") == match["prefix"] and match["operation"] in model.operation_names:
                return model.operation_model(match["operation"])
        return None
    path = request.raw_path.partition("?")[0].rstrip("/")
    return next((one for method, form, one in _rest() if method == request.method and form.fullmatch(path)), None)


@cache
def _rest() -> list[tuple[str, re.Pattern[str], OperationModel]]:
    """Method, path and model of the operations that are told by their paths."""
    found = []
    for service in ("apigatewayv2", "lambda"):
        model = service_model(service)
        for name in model.operation_names:
            operation = model.operation_model(name)
            uri = str(operation.http["requestUri"]).partition("?")[0].rstrip("/")
            form = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", uri))
            found.append((str(operation.http["method"]), re.compile(form), operation))
    return found
