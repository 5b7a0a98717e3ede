"""Lambda's API as far as it is ours: invocations, and what creating and changing a function refuses.

A call that only runs something is sent on as it came, so that the emulator checks the caller's signature and
permission. Where we must answer ourselves (no concurrency, another version of a weighted alias, an asynchronous event),
the caller's own signed request is judged by the emulator first, with a body that it cannot read: it then checks
signature and permission, and stops before it runs anything.
"""

import base64
import hashlib
import json
import re
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from sandbox.aws import Answer, Invocation
from sandbox.front.functions_rules import FunctionsRules, parse, reference
from sandbox.front.proxy import Proxy
from sandbox.front.signature import Owner
from sandbox.functions import Functions
from sandbox.functions.answers import LOG_RESULT, LOG_TAIL
from sandbox.functions.constraints import Refusal, broken, one_of, refuse_violations
from sandbox.functions.events import Events
from sandbox.functions.payloads import refuse_payload
from sandbox.functions.reference import FunctionReference
from sandbox.permissions import Permissions

FUNCTIONS_PATH: Final = re.compile(r"/\d{4}-\d{2}-\d{2}/(functions|account-settings)(?=$|[/?])")
_INVOKE: Final = re.compile(r"/2015-03-31/functions/(?P<function>[^/?]+)/invocations/?")
_ACCOUNT: Final = re.compile(r"/2016-08-19/account-settings/?")
_KIND: Final = "X-Amz-Invocation-Type"
_DEPTH: Final = "X-Ministack-Invoke-Depth"
_UNREADABLE: Final = b"\xff"
_KINDS: Final = ("Event", "DryRun", "RequestResponse")
_OF_LOG: Final = ("None", "Tail")


class FunctionsApi:
    """Serves ``/2015-03-31/functions…`` and what belongs to it, and the account's settings.

    Args:
        functions: Runs what is invoked.
        events: Takes asynchronous invocations.
        permissions: Judges whether Lambda can take a function's role.
        proxy: Reaches the emulator.
    """

    def __init__(self, functions: Functions, events: Events, permissions: Permissions, proxy: Proxy) -> None:
        self._functions = functions
        self._events = events
        self._permissions = permissions
        self._proxy = proxy
        self._rules = FunctionsRules(functions, permissions)

    async def handle(self, request: web.BaseRequest, owner: Owner) -> web.StreamResponse:
        """Answer one request as Lambda does."""
        path = request.raw_path.partition("?")[0]
        body = await request.read()
        if request.method == "POST" and (match := _INVOKE.fullmatch(path)):
            return await self._invoke(
                request, body, reference(match["function"], request.query.get("Qualifier"), owner)
            )
        if refusal := await self._rules.check(request, path, body, owner):
            return _refused(refusal)
        answer = await self._proxy.send(request, body)
        if request.method != "GET":
            # Any write may have changed an alias, a reservation, a role or a resource policy.
            self._functions.facts.forget()
            self._permissions.forget()
        elif _ACCOUNT.fullmatch(path) and answer.status == 200:
            return self._proxy.respond(request, answer, await self._with_limits(answer.body, owner))
        return self._proxy.respond(request, answer)

    async def _with_limits(self, settings: bytes, owner: Owner) -> bytes:
        """An account's settings with the concurrent executions that hold here; the emulator has a number of its own."""
        document = parse(settings) or {}
        concurrency = self._functions.concurrency
        place = FunctionReference(owner.account, owner.region, "")
        left = concurrency.limit - await self._functions.facts.reserved_in(place)
        limits = {"ConcurrentExecutions": concurrency.limit, "UnreservedConcurrentExecutions": left}
        return json.dumps(document | {"AccountLimit": document.get("AccountLimit", {}) | limits}).encode()

    async def _invoke(
        self, request: web.BaseRequest, body: bytes, function: FunctionReference | None
    ) -> web.StreamResponse:
        kind = request.headers.get(_KIND, "RequestResponse")
        if refusal := _refuse_wish(kind, request.headers.get(LOG_TAIL, "None")):
            return await self._judged(request, body) or _refused(refusal)
        if function is None or kind == "DryRun":
            return self._proxy.respond(request, await self._proxy.send(request, body))
        if refusal := refuse_payload(body, kind):
            return await self._judged(request, body) or _refused(refusal)
        if kind == "Event":
            return await self._accept(request, body, function)
        with self._functions.holding_time():  # as for every other invocation: what it does falls before later timers
            return await self._run(request, body, function)

    async def _run(self, request: web.BaseRequest, body: bytes, function: FunctionReference) -> web.StreamResponse:
        chosen = await self._functions.choose(function)
        if chosen == function and await self._functions.has_room(function):
            return await self._pass_on(request, body, function)
        if refused := await self._judged(request, body):
            return refused
        return _respond(await self._functions.run_as_root(chosen, body), log=_wants_log(request))

    async def _accept(self, request: web.BaseRequest, body: bytes, function: FunctionReference) -> web.StreamResponse:
        refused = await self._judged(request, body)
        if refused is not None:
            return refused
        version = await self._functions.facts.version(function)
        if version is None:
            return _refused(Refusal(404, "ResourceNotFoundException", f"Function not found: {function.arn}"))
        self._events.accept(function, body, depth=request.headers.get(_DEPTH))
        return web.Response(status=202, headers={"X-Amz-Executed-Version": version})

    async def _pass_on(self, request: web.BaseRequest, body: bytes, function: FunctionReference) -> web.StreamResponse:
        """Send the caller's own request on; only the end of the log is asked for in addition."""
        headers = CIMultiDict(request.headers)
        headers.setdefault(LOG_TAIL, "Tail")

        answers: list[Answer] = []

        async def send() -> Answer:
            answers.append(await self._proxy.send(request, body, headers=headers))
            return answers[0]

        invocation = await self._functions.run(function, send)
        if answers and invocation.status != 200:  # the emulator's own refusal
            return self._proxy.respond(request, answers[0])
        return _respond(invocation, log=_wants_log(request))

    async def _judged(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse | None:
        """The emulator's refusal of the caller; None when he may.

        The hash of the true body goes along unsigned, so that the signature still holds for the unreadable one.
        """
        headers = CIMultiDict(request.headers)
        headers.setdefault("X-Amz-Content-SHA256", hashlib.sha256(body).hexdigest())
        verdict = await self._proxy.send(request, _UNREADABLE, headers=headers)
        return None if verdict.status == 500 else self._proxy.respond(request, verdict)


def _wants_log(request: web.BaseRequest) -> bool:
    return request.headers.get(LOG_TAIL) == "Tail"


def _refuse_wish(kind: str, log: str) -> Refusal | None:
    """What a kind of invocation, or of log, that there is not is answered."""
    errors = [
        *(broken(f"Value '{kind}'", "InvocationType", rule) for rule in one_of(_KINDS)(kind)),
        *(broken(f"Value '{log}'", "LogType", rule) for rule in one_of(_OF_LOG)(log)),
    ]
    return refuse_violations(errors)


def _respond(invocation: Invocation, *, log: bool = False) -> web.Response:
    headers = {"X-Amz-Executed-Version": invocation.executed_version}
    if invocation.error is not None:
        headers["X-Amz-Function-Error"] = invocation.error
    if invocation.status != 200:
        document = parse(invocation.payload) or {}
        headers["x-amzn-ErrorType"] = str(document.get("__type", "TooManyRequestsException"))
    if log:
        headers[LOG_RESULT] = base64.b64encode(invocation.log.encode()).decode()
    return web.Response(
        status=invocation.status, body=invocation.payload, headers=headers, content_type="application/json"
    )


def _refused(refusal: Refusal) -> web.Response:
    text = json.dumps({"Type": "User", "message": refusal.message})
    headers = {"x-amzn-ErrorType": refusal.code}
    return web.Response(status=refusal.status, text=text, content_type="application/json", headers=headers)
