"""What Lambda refuses before anything is made or changed: settings of functions, aliases, concurrency, events."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Final
from urllib.parse import unquote

from aiohttp import web

from sandbox.aws import Json
from sandbox.front.signature import Owner
from sandbox.functions import Functions
from sandbox.functions.aliases import Aliases
from sandbox.functions.constraints import Refusal
from sandbox.functions.creation import refuse_configuration, refuse_upload
from sandbox.functions.event_rules import EventRules
from sandbox.functions.reference import FunctionReference
from sandbox.functions.reservations import Reservations
from sandbox.permissions import Permissions
from sandbox.permissions.permissions import LAMBDA

_CREATE: Final = re.compile(r"/2015-03-31/functions/?")
_CODE: Final = re.compile(r"/2015-03-31/functions/[^/?]+/code")
_CONFIGURATION: Final = re.compile(r"/2015-03-31/functions/(?P<function>[^/?]+)/configuration")
_CONCURRENCY: Final = re.compile(r"/2017-10-31/functions/(?P<function>[^/?]+)/concurrency")
_PROVISIONED: Final = re.compile(r"/2019-09-30/functions/(?P<function>[^/?]+)/provisioned-concurrency")
_ALIASES: Final = re.compile(r"/2015-03-31/functions/(?P<function>[^/?]+)/aliases(?:/(?P<qualifier>[^/?]+))?")
_EVENTS: Final = re.compile(r"/2019-09-25/functions/(?P<function>[^/?]+)/event-invoke-config")
_ROLE: Final = re.compile(r"arn:[\w-]+:iam::\d{12}:role/.+")
CANNOT_BE_ASSUMED: Final = "The role defined for the function cannot be assumed by Lambda."
Refuse = Callable[[FunctionReference, Json], Awaitable[Refusal | None]]


class FunctionsRules:
    """Judges requests that make or change something.

    Args:
        functions: What there is.
        permissions: Judge roles.
    """

    def __init__(self, functions: Functions, permissions: Permissions) -> None:
        self._permissions = permissions
        self._events = EventRules(functions.facts, permissions)
        reservations = Reservations(functions.facts, functions.concurrency)
        aliases = Aliases(functions.facts)
        self._refusing: tuple[tuple[tuple[str, ...], re.Pattern[str], Refuse], ...] = (
            (("PUT",), _CONCURRENCY, reservations.refuse_reserved),
            (("PUT",), _PROVISIONED, reservations.refuse_provisioned),
            (("POST", "PUT"), _ALIASES, aliases.refuse),
            (("POST", "PUT"), _EVENTS, self._events.refuse_settings),
        )

    async def check(self, request: web.BaseRequest, path: str, body: bytes, owner: Owner) -> Refusal | None:
        """What the request is answered that Lambda does not take; None when it does, or the emulator says it."""
        if refusal := _refuse_change(request.method, path, body):
            return refusal
        document = parse(body)
        if document is None:
            return None
        if configures(request.method, path):
            return await self._refuse_role(document) or await self._refuse_dead_letters(path, document, owner)
        for refuse, function in self._concerned(request, path, owner):
            return await refuse(function, document)
        return None

    def _concerned(
        self, request: web.BaseRequest, path: str, owner: Owner
    ) -> Iterator[tuple[Refuse, FunctionReference]]:
        for methods, form, refuse in self._refusing:
            match = form.fullmatch(path) if request.method in methods else None
            if match is not None:
                qualifier = match.groupdict().get("qualifier") or request.query.get("Qualifier")
                function = reference(match["function"], qualifier, owner)
                if function is not None:
                    yield refuse, function

    async def _refuse_role(self, document: Json) -> Refusal | None:
        """What giving a function a role that Lambda cannot take is answered."""
        role = document.get("Role")
        if not isinstance(role, str) or not _ROLE.fullmatch(role):
            return None
        if await self._permissions.judge_trust(role, LAMBDA) is None:
            return None
        return Refusal(400, "InvalidParameterValueException", CANNOT_BE_ASSUMED)

    async def _refuse_dead_letters(self, path: str, document: Json, owner: Owner) -> Refusal | None:
        match = _CONFIGURATION.fullmatch(path)
        function = None if match is None else reference(match["function"], None, owner)
        return await self._events.refuse_dead_letters(function, document)


def _refuse_change(method: str, path: str, body: bytes) -> Refusal | None:
    """What creating or changing a function refuses by its own settings."""
    creates = _creates(method, path)
    if creates or (method == "PUT" and _CODE.fullmatch(path)):
        refusal = refuse_upload(len(body), "CreateFunction" if creates else "UpdateFunctionCode")
        if refusal is not None:
            return refusal
    if configures(method, path):
        document = parse(body)
        return None if document is None else refuse_configuration(document, creates=creates)
    return None


def _creates(method: str, path: str) -> bool:
    return method == "POST" and _CREATE.fullmatch(path) is not None


def configures(method: str, path: str) -> bool:
    """Whether a request holds a function's settings."""
    return _creates(method, path) or (method == "PUT" and _CONFIGURATION.fullmatch(path) is not None)


def parse(body: bytes) -> Json | None:
    """The request, if it is one; the emulator says what is wrong with any other."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def reference(quoted: str, qualifier: str | None, owner: Owner) -> FunctionReference | None:
    """The function that a path and perhaps a query name; None: it is none."""
    found = FunctionReference.parse(unquote(quoted), account=owner.account, region=owner.region)
    if found is None or qualifier is None or found.qualifier is not None:
        return found
    return FunctionReference(found.account, found.region, found.name, unquote(qualifier))
