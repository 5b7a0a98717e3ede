"""Every way of not getting in, or not getting further, with the refusal that it gets: one deployment with ``auth``.

The issuer's keys are served by a server of the test's; authorizer, functions, tables and gateway are the real ones.
"""

import asyncio
import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from sandbox.handle import Handle
from tests.loop.conftest import STACK, Deployed
from tests.loop.peer import SECONDS, CallFailedError, Peer
from tests.loop.stack import QUIET, deployed_stack
from tests.loop.watched import OVER, Watched
from tests.loop.workshop import eventually
from tests.support.tokens import Issuer
from trebuche.auth.api_keys import SECRET_BYTES, key_text
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

    def authorizations(self) -> list[dict[str, Any]]:
        """What the authorizer has written about handshakes."""
        [group] = [name for name in self.deployed.aws.log_groups() if name.endswith("-authorizer")]
        lines = self.deployed.aws.logged(group).splitlines()
        documents = [json.loads(line) for line in lines if line.startswith("{")]
        return [one for one in documents if str(one.get("event", "")).startswith("handshake-")]

    def reasons(self) -> list[str]:
        """Why somebody was refused, in order."""
        return [str(one["code"]) for one in self.authorizations() if one["event"] == "handshake-refused"]

    @contextmanager
    def configured(self, text: str) -> Iterator[None]:
        """The same stack with another ``auth``, and then with its own again."""
        file = self.deployed.local.workshop.root / "trebuche.yaml"
        before = file.read_text()
        file.write_text(before[: before.index("\nauth:")] + "\n" + text)
        try:
            self.deployed.local.pulumi("up", *QUIET)
            yield
        finally:
            file.write_text(before)
            self.deployed.local.pulumi("up", *QUIET)

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
        found.ticket()  # the first one makes the key that tickets are signed with
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
                connect(address, additional_headers=headers, subprotocols=protocols, open_timeout=SECONDS) as socket,
            ):
                return 101, socket.subprotocol
        except InvalidStatus as error:
            return error.response.status_code, None

    return asyncio.run(scenario())


@dataclass(frozen=True)
class Refused:
    """Somebody at the door.

    Attributes:
        show: The credentials; None: none at all.
        code: The reason in the authorizer's log; whoever is refused hears 403.
        place: Where they are shown: ``query``, ``header`` (a whole value) or ``protocol``.
    """

    show: Callable[[Guarded], str | None]
    code: str
    place: str = "query"

    def knock(self, guarded: Guarded) -> tuple[int, str | None]:
        """Status and sub-protocol."""
        shown = self.show(guarded)
        if self.place == "header":
            return handshake(guarded, None, header=shown)
        if self.place == "protocol":
            return handshake(guarded, None, offers=[str(shown), "other"])
        return handshake(guarded, shown)


AT_THE_DOOR: dict[str, Refused] = {
    "nothing": Refused(lambda _: None, "no-credentials"),
    "empty": Refused(lambda _: "", "no-credentials"),
    "another scheme": Refused(lambda g: f"Basic {g.token()}", "no-credentials", "header"),
    "a sub-protocol without ours": Refused(lambda g: g.token(), "no-credentials", "protocol"),
    "no token": Refused(lambda g: g.show("not-a-token-at-all-but-long"), "malformed"),
    "asks for extensions": Refused(lambda g: g.token(header={"crit": ["exp"]}), "malformed"),
    "a token for logging out": Refused(lambda g: g.token(header={"typ": "logout+jwt"}), "not-accepted"),
    "expired": Refused(lambda g: g.token(exp=g.now() - 1), "expired"),
    "expired within the clocks' difference": Refused(lambda g: g.token(exp=g.now()), "expired"),
    "no expiry": Refused(lambda g: g.token(exp=None), "no-expiry"),
    "not yet valid": Refused(lambda g: g.token(nbf=g.now() + 600), "not-yet-valid"),
    "from the future": Refused(lambda g: g.token(iat=g.now() + 600), "not-yet-valid"),
    "wrong audience": Refused(lambda g: g.token(aud="somebody-else"), "wrong-audience"),
    "no audience": Refused(lambda g: g.token(aud=None), "wrong-audience"),
    "wrong issuer": Refused(lambda g: g.token(iss="https://evil.example.com/"), "wrong-issuer"),
    "no subject": Refused(lambda g: g.token(sub=None), "no-subject"),
    "unknown key": Refused(lambda g: g.token(header={"kid": "made-up"}), "unknown-key"),
    "somebody else's key": Refused(lambda g: g.show(Issuer("ES256").token(g.now(), "ES256")), "bad-signature"),
    "alg none": Refused(lambda g: g.show(without_signature(g)), "unknown-algorithm"),
    "alg of a shared key": Refused(lambda g: g.token(header={"alg": "HS256"}), "unknown-algorithm"),
    "alg of another key": Refused(lambda g: g.token(header={"alg": "EdDSA"}), "unknown-key"),
    "changed claims": Refused(lambda g: g.show(changed(g)), "bad-signature"),
    "claims that take too much": Refused(
        lambda g: f"Bearer {g.token(tenant=['x'] * 1_100)}", "claims-too-large", "header"
    ),
    "unknown API key": Refused(lambda g: g.show("tbk_0123456789ab_" + "A" * 43), "unknown-key"),
    "API key with a letter changed": Refused(lambda g: g.show(other_key(g)), "unknown-key"),
    "API key that is none": Refused(lambda g: g.show("tbk_0123456789ab"), "malformed"),
    "forged ticket": Refused(lambda g: g.show(forged_ticket(g)), "bad-signature"),
}


def without_signature(guarded: Guarded) -> str:
    """A token that says that it needs none."""
    return guarded.issuer.token(guarded.now(), header={"alg": "none"}).rpartition(".")[0] + "."


def changed(guarded: Guarded) -> str:
    """A token of bob's with the signature of alice's."""
    header, _, signature = guarded.token().split(".")
    _, claims, _ = guarded.token(sub="bob").split(".")
    return f"{header}.{claims}.{signature}"


def other_key(guarded: Guarded) -> str:
    """The key, but for its last letters."""
    return guarded.key[:-2] + ("AA" if guarded.key[-2:] != "AA" else "BA")


def forged_ticket(guarded: Guarded) -> str:
    """A ticket that somebody made who does not have the stack's key."""
    return make_ticket(b"x" * 32, Principal("alice"), ticket_id="1", end=guarded.now() + 60)


@pytest.mark.parametrize("case", AT_THE_DOOR)
def test_bad_credentials_are_refused_at_the_door(guarded: Guarded, case: str) -> None:
    """With 403, whatever is wrong with them: strangers learn nothing, and the log says what it was."""
    refused = AT_THE_DOOR[case]
    before = len(guarded.reasons())

    assert refused.knock(guarded) == (403, None)
    assert eventually(lambda: guarded.reasons()[before:], what="the line in the log") == [refused.code]


def test_without_the_one_place_that_counts_nobody_is_asked(guarded: Guarded) -> None:
    """API Gateway itself answers 401 where a stack looks at one place only, and that is empty: nothing is invoked."""
    with guarded.configured("auth:\n  places: header\n  api_keys: true\n"):
        before = len(guarded.authorizations())
        assert handshake(guarded, None) == (401, None)
        assert handshake(guarded, guarded.key) == (401, None)
        assert len(guarded.authorizations()) == before
        assert handshake(guarded, None, header="Bearer tbk_0123456789ab") == (403, None)
        assert handshake(guarded, None, header=f"Bearer {guarded.key}") == (101, None)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_the_issuers_tokens_open_the_door(guarded: Guarded, algorithm: str) -> None:
    """Of each algorithm."""
    assert handshake(guarded, guarded.token(algorithm=algorithm)) == (101, None)


def test_credentials_may_come_in_a_header_or_a_sub_protocol(guarded: Guarded) -> None:
    """A browser's offer is answered with the name that stands beside the token."""
    token = guarded.token()

    assert handshake(guarded, None, header=f"Bearer {token}") == (101, None)
    assert handshake(guarded, None, offers=["trebuche", token]) == (101, "trebuche")


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
    address = f"{guarded.endpoint}?token={token}"
    async with asyncio.timeout(SECONDS), connect(address, proxy=None, open_timeout=SECONDS) as socket:
        await socket.send(frame)
        while True:
            answer = json.loads(await socket.recv())
            if answer["type"] == kind:
                return answer["payload"]


def resumption(actor: str, action: str | None = None) -> str:
    """A resume of a stream that somebody may have."""
    how = {"streamID": str(uuid4()).upper(), "lastSequence": 0}
    return frame_of("streamResume", actor, "observeState", action, **how)


RENAME: Final = "$s4main8TodoListC10renameTodo2id5titleAA0E0VSS_SStYaKFTE"
INSIDE: dict[str, str] = {
    "observe another's list": invocation("todos/bob", "observeState", "todos"),
    "observe it by another actor's route": invocation("todos/bob", "observeState", "game"),
    "observe it by no actor's route": invocation("todos/bob", "observeState"),
    "call it by another actor's route": invocation("todos/bob", "clearCompleted", "game"),
    "resume a stream of it": resumption("todos/bob"),
    "resume it by another actor's route": resumption("todos/bob", "game"),
    "call the other tenant's list": invocation("todos/t-green/1", "clearCompleted", "todos"),
    "observe without the role": invocation("game", "observeState", "game"),
    "call without the role": invocation("game", "leave", "game", "ada"),
    "call what is forbidden on one's own": invocation("todos/alice", "renameTodo", "todos", "1", "x"),
    "call it by its mangled name": invocation("todos/alice", RENAME, "todos", "1", "x"),
    "call an actor that there is not": invocation("nosuch/bob", "clearCompleted"),
    "observe one": invocation("nosuch/bob", "observeState"),
    "resume a stream of one": resumption("nosuch/bob"),
}


@pytest.mark.parametrize("case", INSIDE)
def test_what_no_rule_allows_is_refused(guarded: Guarded, case: str) -> None:
    """By a word of its own, on a connection that stays; the same whether there is such an actor or not."""
    asked = json.loads(INSIDE[case])
    actor, target = asked["payload"]["actorID"]["id"], asked["payload"]["targetIdentifier"]
    kind = "streamError" if target == "observeState" else "response"
    payload = asyncio.run(answer_to(guarded, guarded.token(), INSIDE[case], kind))

    method = "renameTodo" if target == RENAME else target
    told = (payload["code"], payload["retryable"], payload["errorMessage"])
    assert told == ("forbidden", False, f"You may not call '{method}' on '{actor}'")


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
        async with connect(f"{guarded.endpoint}?token={token}", proxy=None, open_timeout=SECONDS) as socket:
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
        async with connect(f"{guarded.endpoint}?token={token}", proxy=None, open_timeout=SECONDS) as socket:
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
        async with connect(f"{guarded.endpoint}?token={token}", proxy=None, open_timeout=SECONDS) as socket:
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
        async with connect(f"{guarded.endpoint}?token={token}", proxy=None, open_timeout=SECONDS) as socket:
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


def test_a_new_key_counts_while_strangers_knock(guarded: Guarded) -> None:
    """They have the authorizer ask for the keys all the time, which it does once a second."""
    done = threading.Event()

    def knock() -> int:
        knocks = 0
        while not done.is_set():
            assert handshake(guarded, key_text("stranger", b"s" * SECRET_BYTES)) == (403, None)
            knocks += 1
        return knocks

    with ThreadPoolExecutor(1) as pool:
        strangers = pool.submit(knock)
        try:
            for _ in range(3):
                made = json.loads(guarded.trebuche("keys", "add", "newcomer", "--json"))
                assert handshake(guarded, guarded.show(made["key"])) == (101, None)
        finally:
            done.set()
        assert strangers.result() > 3


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


def _contents(folder: Path) -> Iterator[bytes]:
    """Of each file below; those of functions that end meanwhile are gone."""
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            with suppress(FileNotFoundError):
                if path.is_file():
                    yield path.read_bytes()


def test_credentials_turn_up_nowhere(guarded: Guarded) -> None:
    """In no log, no output, no export of the stack's state and no file of the sandbox: not even their signatures."""
    ask(guarded, guarded.token(), "todos/alice", "addTodo", "Milk")
    handshake(guarded, guarded.token(exp=1))
    aws = guarded.deployed.aws
    logged = "\n".join(map(aws.logged, aws.log_groups()))
    exported = guarded.deployed.local.pulumi("stack", "export", "--stack", STACK).stdout
    outputs = guarded.deployed.local.pulumi("stack", "output", "--json", "--show-secrets", "--stack", STACK).stdout

    written = b"\n".join(_contents(guarded.deployed.local.workshop.root / ".trebuche"))

    assert "handshake-refused" in logged
    assert "handshake-allowed" in logged
    assert len(guarded.shown) > 1
    for text in guarded.shown:
        for part in (text, *(one for one in text.split(".") if len(one) > 20)):
            assert part not in logged
            assert part not in exported
            assert part not in outputs
            assert part.encode() not in written


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
