"""Every way of not getting in, or not getting further, with the refusal that it gets: one deployment with ``auth``.

The issuer's keys are served by a server of the test's; authorizer, functions, tables and gateway are the real ones.
"""

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from sandbox.handle import Handle
from tests.loop.conftest import STACK, Aws, Deployed
from tests.loop.peer import SECONDS, CallFailedError, Peer
from tests.loop.stack import deployed_stack
from tests.loop.watched import OVER, Watched
from tests.support.tokens import Issuer
from trebuche.auth.principals import Principal
from trebuche.auth.tickets import make_ticket
from trebuche_client import TrebuchetClient
from trebuche_client.clock import SystemClock

AUTH = """
auth:
  api_keys: true
  jwt: {{issuer: "https://login.example.com/", audience: my-app, jwks_url: "{url}"}}
  tickets: {{seconds: 300, session: 600}}
  rules:
    - {{actors: "todos/{{sub}}", methods: [renameTodo], allow: false}}
    - {{actors: "todos/{{sub}}"}}
    - {{actors: "todos/t-{{tenant}}/*"}}
    - {{actors: "game*", methods: ["observe*"], claims: {{role: [player, referee]}}}}
    - {{claims: {{role: service}}}}
"""


@contextmanager
def key_set_at(issuer: Issuer) -> Iterator[str]:
    """Serve an issuer's key set; its address."""
    content = json.dumps(issuer.key_set).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
        server.shutdown()


@dataclass
class Guarded:
    """The deployed stack with its issuer, and every credential that was ever shown to it."""

    deployed: Deployed
    sandbox: Handle
    issuer: Issuer
    shown: list[str] = field(default_factory=list)
    key: str = ""

    @property
    def endpoint(self) -> str:
        """Where to knock."""
        return self.deployed.endpoint

    def now(self) -> int:
        """What the sandbox's clock shows: tests turn it."""
        return int(self.sandbox.clock.now())

    def token(self, algorithm: str = "ES256", **claims: Any) -> str:
        """A token of the issuer."""
        return self.show(self.issuer.token(self.now(), algorithm, **claims))

    def show(self, text: str) -> str:
        """Remember a credential: it must turn up nowhere."""
        self.shown.append(text)
        return text

    def ticket(self) -> str:
        """A ticket of alice's."""
        made = json.loads(self.trebuche("ticket", "alice", "--seconds", "300", "--json"))
        return self.show(made["ticket"])

    def trebuche(self, *words: str) -> str:
        """A command on this stack; what it printed."""
        local = self.deployed.local
        return local.workshop.trebuche(*words, "--stack", STACK, variables=local.environment).stdout


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    """The shipped program with ``auth`` in its trebuche.yaml, on a sandbox whose clock is turned here only."""
    issuer = Issuer("RS256", "ES256", "EdDSA")
    with key_set_at(issuer) as url, deployed_stack(config=AUTH.format(url=url)) as deployed:
        sandbox = Handle(deployed.local.environment["AWS_ENDPOINT_URL"])
        found = Guarded(deployed, sandbox, issuer)
        made = json.loads(found.trebuche("keys", "add", "billing", "--claim", "role=service", "--json"))
        found.key = found.show(made["key"])
        yield found


def handshake(
    guarded: Guarded, token: str | None, *, offers: list[str] | None = None, header: str | None = None
) -> tuple[int, str | None]:
    """Status and chosen sub-protocol of a handshake."""

    async def scenario() -> tuple[int, str | None]:
        address = guarded.endpoint if token is None else f"{guarded.endpoint}?token={token}"
        headers = {"Authorization": header} if header else {}
        protocols = [Subprotocol(one) for one in offers] if offers else None
        try:
            async with (
                asyncio.timeout(SECONDS),
                connect(address, additional_headers=headers, subprotocols=protocols) as socket,
            ):
                return 101, socket.subprotocol
        except InvalidStatus as error:
            return error.response.status_code, None

    return asyncio.run(scenario())


Credentials = Callable[[Guarded], str | None]

REFUSED: dict[str, Credentials] = {
    "nothing": lambda _: None,
    "empty": lambda _: "",
    "no token": lambda g: g.show("not-a-token-at-all-but-long"),
    "expired": lambda g: g.token(exp=g.now() - 1),
    "no expiry": lambda g: g.token(exp=None),
    "not yet valid": lambda g: g.token(nbf=g.now() + 600),
    "from the future": lambda g: g.token(iat=g.now() + 600),
    "wrong audience": lambda g: g.token(aud="somebody-else"),
    "wrong issuer": lambda g: g.token(iss="https://evil.example.com/"),
    "no subject": lambda g: g.token(sub=None),
    "unknown key": lambda g: g.token(header={"kid": "made-up"}),
    "somebody else's key": lambda g: g.show(Issuer("ES256").token(g.now())),
    "alg none": lambda g: g.show(g.issuer.token(g.now(), header={"alg": "none"}).rpartition(".")[0] + "."),
    "alg of a shared key": lambda g: g.token(header={"alg": "HS256"}),
    "alg of another key": lambda g: g.token(header={"alg": "EdDSA"}),
    "changed claims": lambda g: changed(g.token()),
    "unknown API key": lambda g: g.show("tbk_0123456789ab_" + "A" * 43),
    "API key with a letter changed": lambda g: g.show(g.key[:-2] + ("AA" if g.key[-2:] != "AA" else "BA")),
    "forged ticket": lambda g: g.show(make_ticket(b"x" * 32, Principal("alice"), ticket_id="1", end=g.now() + 60)),
}


def changed(token: str) -> str:
    """A token of bob's with the signature of alice's."""
    header, claims, signature = token.split(".")
    return f"{header}.{claims[:-4]}{'AAAA' if claims[-4:] != 'AAAA' else 'BBBB'}.{signature}"


@pytest.mark.parametrize("case", REFUSED)
def test_bad_credentials_are_refused_at_the_door(guarded: Guarded, case: str) -> None:
    """With 403, whatever is wrong with them: strangers learn nothing."""
    assert handshake(guarded, REFUSED[case](guarded)) == (403, None)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_the_issuers_tokens_open_the_door(guarded: Guarded, algorithm: str) -> None:
    """Of each algorithm."""
    assert handshake(guarded, guarded.token(algorithm=algorithm)) == (101, None)


def test_credentials_may_come_in_a_header_or_a_sub_protocol(guarded: Guarded) -> None:
    """A browser's offer is answered with the name that stands beside the token."""
    token = guarded.token()

    assert handshake(guarded, None, header=f"Bearer {token}") == (101, None)
    assert handshake(guarded, None, offers=["trebuche", token]) == (101, "trebuche")
    assert handshake(guarded, None, header=f"Basic {token}") == (403, None)
    assert handshake(guarded, None, offers=[token, "other"]) == (403, None)


def test_an_api_key_opens_the_door(guarded: Guarded) -> None:
    """As often as it is shown."""
    assert [handshake(guarded, guarded.key)[0] for _ in range(2)] == [101, 101]


def test_a_ticket_opens_the_door_once(guarded: Guarded) -> None:
    """All others who show it are refused, at the same moment or later; its end is by the clock that was turned."""
    guarded.sandbox.clock.advance(600)
    ticket = guarded.ticket()
    with ThreadPoolExecutor(3) as threads:
        statuses = [status for status, _ in threads.map(lambda _: handshake(guarded, ticket), range(3))]

    assert sorted(statuses) == [101, 403, 403]
    assert handshake(guarded, ticket) == (403, None)


def ask(guarded: Guarded, token: str, actor: str, method: str, *arguments: object, **how: Any) -> Any:
    """The result of a call, or the code and text that it is refused with."""

    async def scenario() -> Any:
        async with Peer.at(f"{guarded.endpoint}?token={token}") as peer:
            try:
                return await peer.call(actor, method, *arguments, **how)
            except CallFailedError as error:
                return error.payload["code"], str(error)

    return asyncio.run(scenario())


def test_rules_hold_for_calls(guarded: Guarded) -> None:
    """One's own list, one's tenant's, and nothing else; by whichever route the frame came."""
    alice = guarded.token(tenant=["red", "blue"])

    assert ask(guarded, alice, "todos/alice", "addTodo", "Milk")["title"] == "Milk"
    assert ask(guarded, alice, "todos/t-blue/1", "addTodo", "Milk")["title"] == "Milk"
    assert ask(guarded, guarded.key, "todos/anybody", "addTodo", "Milk")["title"] == "Milk"
    for actor, method in (("todos/bob", "addTodo"), ("todos/t-green/1", "addTodo"), ("todos", "addTodo")):
        for action in (True, False):
            code, text = ask(guarded, alice, actor, method, "Milk", action=action)
            assert (code, text) == ("forbidden", f"You may not call '{method}' on '{actor}'")
    assert ask(guarded, alice, "todos/alice", "renameTodo", "1", "x")[0] == "forbidden"


def frame_of(kind: str, actor: str, target: str, action: str | None = None, **more: object) -> str:
    """A frame as it goes out."""
    payload = {"actorID": {"id": actor}, "targetIdentifier": target, **more}
    return json.dumps({"type": kind, "payload": payload, **({"action": action} if action else {})})


def invocation(actor: str, target: str, action: str | None = None, *arguments: object) -> str:
    """A call or an observation."""
    encoded = [base64.b64encode(json.dumps(one).encode()).decode() for one in arguments]
    how = {"callID": str(uuid4()).upper(), "protocolVersion": 2, "genericSubstitutions": [], "arguments": encoded}
    return frame_of("invocation", actor, target, action, **how)


async def answer_to(guarded: Guarded, token: str, frame: str, kind: str) -> Any:
    """Payload of the first answer of a kind."""
    async with asyncio.timeout(SECONDS), connect(f"{guarded.endpoint}?token={token}", proxy=None) as socket:
        await socket.send(frame)
        while True:
            answer = json.loads(await socket.recv())
            if answer["type"] == kind:
                return answer["payload"]


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        pytest.param(invocation("todos/bob", "observeState", "todos"), "streamError", id="observe"),
        pytest.param(invocation("todos/bob", "observeState", "game"), "streamError", id="observe by another route"),
        pytest.param(invocation("todos/bob", "clearCompleted", "game"), "response", id="call by another actor's route"),
        pytest.param(invocation("game", "observeState"), "streamError", id="observe without the role"),
        pytest.param(
            frame_of("streamResume", "todos/bob", "observeState", streamID=str(uuid4()).upper(), lastSequence=0),
            "streamError",
            id="resume",
        ),
    ],
)
def test_what_no_rule_allows_is_refused(guarded: Guarded, frame: str, kind: str) -> None:
    """Typed, on a connection that stays; a frame sent by another actor's route gains nothing."""
    payload = asyncio.run(answer_to(guarded, guarded.token(), frame, kind))

    assert payload["code"] in {"forbidden", "actor-not-found"}
    assert payload["retryable"] is False


def test_a_stolen_stream_is_not_found(guarded: Guarded) -> None:
    """Its id alone is worth nothing to another principal, even one who may watch the same actor."""
    room = f"todos/t-red/{uuid4().hex}"

    async def scenario() -> tuple[Any, list[int]]:
        alice = f"{guarded.endpoint}?token={guarded.token(tenant='red')}"
        bob = guarded.token(sub="bob", tenant="red")
        async with Peer.at(alice) as peer:
            stream = await peer.observe(room)
            await stream.until(1)
            theft = frame_of("streamResume", room, "observeState", streamID=stream.stream_id, lastSequence=1)
            refused = await answer_to(guarded, bob, theft, "streamError")
            await peer.call(room, "addTodo", "Milk")
            await stream.until(2)
            return refused, stream.numbers

    refused, numbers = asyncio.run(scenario())
    assert "not found" in refused["errorMessage"]
    assert numbers == [1, 2]


async def frames_until_closed(socket: Any) -> list[Any]:
    """Everything that still comes."""
    frames = []
    async with asyncio.timeout(SECONDS):
        try:
            while True:
                frames.append(json.loads(await socket.recv()))
        except ConnectionClosed:
            return frames


def test_after_its_expiry_a_token_gets_nothing_more(guarded: Guarded) -> None:
    """No value is posted: the stream ends with a typed error, then the connection is closed."""
    actor = f"todos/t-red/{uuid4().hex}"

    async def scenario() -> list[Any]:
        token = guarded.token(tenant="red", exp=guarded.now() + 60)
        async with connect(f"{guarded.endpoint}?token={token}", proxy=None) as socket:
            await socket.send(invocation(actor, "observeState", "todos"))
            kinds = [json.loads(await socket.recv())["type"] for _ in range(2)]
            assert kinds == ["streamStart", "streamData"]
            await asyncio.to_thread(guarded.sandbox.clock.advance, 61)
            async with Peer.at(f"{guarded.endpoint}?token={guarded.key}") as other:
                await other.call(actor, "addTodo", "Milk")
            return await frames_until_closed(socket)

    # The change and the connection's own message may both find that its time is over.
    frames = asyncio.run(scenario())
    assert {(frame["type"], frame["payload"]["code"]) for frame in frames} == {("streamError", "expired")}


@pytest.mark.parametrize("action", ["todos", None])
def test_a_call_after_expiry_does_not_run(guarded: Guarded, action: str | None) -> None:
    """By either route; its sender is told, unless the connection was closed before it came."""
    name = f"late-{uuid4().hex}"

    async def scenario() -> list[Any]:
        token = guarded.token(sub=name, exp=guarded.now() + 30)
        async with connect(f"{guarded.endpoint}?token={token}", proxy=None) as socket:
            await asyncio.to_thread(guarded.sandbox.clock.advance, 31)
            with suppress(ConnectionClosed):
                await socket.send(invocation(f"todos/{name}", "addTodo", action, "Milk"))
            return await frames_until_closed(socket)

    told = [
        (frame["type"], frame["payload"]["code"], frame["payload"]["retryable"]) for frame in asyncio.run(scenario())
    ]
    assert told in ([], [("response", "expired", True)])
    assert ask(guarded, guarded.key, f"todos/{name}", "clearCompleted") == 0
    items = guarded.deployed.aws.dynamodb.get_item(
        TableName=guarded.deployed.outputs["state_table"], Key={"actorId": {"S": f"todos/{name}"}}
    )
    assert "Item" not in items


def test_a_silent_connection_is_closed_when_its_right_ends(guarded: Guarded) -> None:
    """Nobody calls and nothing changes: a message in a queue comes when it is time, on the sandbox's clock."""

    async def scenario() -> list[Any]:
        token = guarded.token(sub="silent", exp=guarded.now() + 30)
        async with connect(f"{guarded.endpoint}?token={token}", proxy=None) as socket:
            await socket.send(invocation("todos/silent", "observeState", "todos"))
            for _ in range(2):
                await socket.recv()
            await asyncio.to_thread(guarded.sandbox.clock.advance, 32)
            return await frames_until_closed(socket)

    frames = asyncio.run(scenario())
    assert [(frame["type"], frame["payload"]["code"]) for frame in frames] == [("streamError", "expired")]


def test_who_is_revoked_while_watching_is_told_and_closed(guarded: Guarded) -> None:
    """The command returns when it is done; afterwards nobody of that name gets in, until it is undone."""
    token = guarded.token(sub="mallory")

    async def scenario() -> list[Any]:
        async with connect(f"{guarded.endpoint}?token={token}", proxy=None) as socket:
            await socket.send(invocation("todos/mallory", "observeState", "todos"))
            for _ in range(2):
                await socket.recv()
            done = await asyncio.to_thread(guarded.trebuche, "revoke", "mallory", "--json")
            assert json.loads(done)["closed"] == 1
            async with Peer.at(f"{guarded.endpoint}?token={guarded.key}") as other:
                await other.call("todos/mallory", "addTodo", "Milk")
            return await frames_until_closed(socket)

    frames = asyncio.run(scenario())
    assert [(frame["type"], frame["payload"]["code"]) for frame in frames] == [("streamError", "revoked")]
    assert handshake(guarded, token) == (403, None)
    guarded.trebuche("revoke", "mallory", "--undo")
    assert handshake(guarded, token) == (101, None)


def test_a_removed_key_is_revoked_at_once(guarded: Guarded) -> None:
    """Removing it alone takes up to a minute; revoking it does not."""
    made = json.loads(guarded.trebuche("keys", "add", "reports", "--json"))
    key = guarded.show(made["key"])
    assert handshake(guarded, key)[0] == 101
    guarded.trebuche("revoke", "--key", made["id"])

    assert handshake(guarded, key) == (403, None)
    assert made["id"] in guarded.trebuche("keys", "list")
    guarded.trebuche("keys", "remove", made["id"])
    assert made["id"] not in guarded.trebuche("keys", "list")


def test_an_authorizer_that_fails_or_may_not_run_raises_its_alarms(guarded: Guarded) -> None:
    """Nobody gets in, and the authorizer's own alarms say why: a fault of the function, or of its concurrency."""
    watched = Watched(guarded.deployed, guarded.sandbox)
    errors, throttles = (watched.alarm("authorizer", what) for what in ("errors", "throttles"))
    assert {errors, throttles} <= set(watched.states)

    def knock() -> None:
        for _ in range(OVER):
            assert handshake(guarded, guarded.key)[0] == 500

    with watched.broken("authorizer"):
        watched.until_alarm(errors, knock)
    assert watched.states[throttles] == "OK"
    with watched.held_up("authorizer"):
        assert handshake(guarded, guarded.key)[0] == 500
    watched.pass_time(60)
    assert watched.states[throttles] == "ALARM"


def everything_logged(aws: Aws) -> str:
    """All lines of all functions of the stack."""
    groups = [group["logGroupName"] for group in aws.logs.describe_log_groups()["logGroups"]]
    pages = [
        page for group in groups for page in aws.logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    ]
    return "\n".join(event["message"] for page in pages for event in page["events"])


def test_credentials_turn_up_nowhere(guarded: Guarded) -> None:
    """In no log, no output and no export of the stack's state: neither they nor their signatures."""
    ask(guarded, guarded.token(), "todos/alice", "addTodo", "Milk")
    handshake(guarded, guarded.token(exp=1))
    logged = everything_logged(guarded.deployed.aws)
    exported = guarded.deployed.local.pulumi("stack", "export", "--stack", STACK).stdout
    outputs = guarded.deployed.local.pulumi("stack", "output", "--json", "--show-secrets", "--stack", STACK).stdout

    assert "handshake-refused" in logged
    assert "handshake-allowed" in logged
    assert len(guarded.shown) > 1
    for text in guarded.shown:
        for part in (text, *(one for one in text.split(".") if len(one) > 20)):
            assert part not in logged
            assert part not in exported
            assert part not in outputs


class TurnedClock(SystemClock):
    """A client's clock with the time of day of the sandbox, by which tokens end."""

    def __init__(self, offset: float) -> None:
        self._offset = offset

    def epoch(self) -> float:
        """The sandbox's time of day."""
        return super().epoch() + self._offset


def test_a_client_moves_to_a_fresh_token_before_the_old_one_ends(guarded: Guarded) -> None:
    """Without a gap or a duplicate: a second socket, a resume, and then the first socket is closed."""
    actor, tokens = f"todos/t-red/{uuid4().hex}", 0

    def fetch() -> str:
        nonlocal tokens
        tokens += 1
        return guarded.token(tenant="red", exp=guarded.now() + 12)  # left at half of that

    async def scenario() -> list[int]:
        numbers: list[int] = []
        clock = TurnedClock(guarded.sandbox.clock.offset())
        async with (
            asyncio.timeout(SECONDS),
            TrebuchetClient(guarded.endpoint, token=fetch, clock=clock) as client,
            Peer.at(f"{guarded.endpoint}?token={guarded.key}") as other,
            aclosing(client.resolve(actor).observe("state").values()) as values,
        ):
            async for value in values:
                numbers.append(value.sequence)
                if tokens >= 3:
                    break
                await other.call(actor, "addTodo", str(value.sequence))
        return numbers

    numbers = asyncio.run(scenario())
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 2
