"""Frames that hypothesis makes up, and what a client is owed for each."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from tests.support.frame_cases import FILES, STREAM, Frame, cases
from trebuche.envelopes import InvocationEnvelope, StreamResumeEnvelope, TrebuchetActorID, decode, encode
from trebuche.errors import ProtocolError
from trebuche.targets import is_stream_target
from trebuche_testing.strategies import envelopes, frames

Answer: TypeAlias = tuple[str, str]
"""``response``, ``streamStart`` or ``resume``, and the id that it is known by."""

SHORT = [case.text for file in FILES for case in cases(file) if len(case.text) < 2_000]
CALLS: list[tuple[str, str, list[st.SearchStrategy[Any]]]] = [
    ("todos/fuzz", "addTodo", [st.text(max_size=20)]),
    ("todos/fuzz", "toggleTodo", [st.text(max_size=20)]),
    ("todos/fuzz", "clearCompleted", []),
    ("game/fuzz", "join", [st.sampled_from("ab")]),
    ("game/fuzz", "move", [st.sampled_from("ab"), st.integers(-(2**70), 2**70), st.integers()]),
    ("game/fuzz", "say", [st.sampled_from("ab"), st.text(max_size=50)]),
    ("todos/fuzz", "observeState", []),
    ("game/fuzz", "observePlayers", []),
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["\ud800", "NaN", "=", "=====", "-1", 2**64, -1, 0.5, [], {}, [[]], {"id": 1}]),
)


def mutate(document: Any, choose: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """The document with one place in it replaced, left out or added to."""
    if isinstance(document, dict) and document and choose(st.booleans()):
        key = choose(st.sampled_from(sorted(document)))
        return {**document, key: mutate(document[key], choose)}
    if isinstance(document, list) and document and choose(st.booleans()):
        return [mutate(document[0], choose), *document[1:]]
    if isinstance(document, dict) and document and choose(st.booleans()):
        gone = choose(st.sampled_from(sorted(document)))
        return {key: value for key, value in document.items() if key != gone}
    return choose(ODD)


@st.composite
def calls(draw: st.DrawFn) -> str:
    """A call or an observation that is right in every way."""
    actor, target, arguments = draw(st.sampled_from(CALLS))
    documents = tuple(json.dumps(draw(argument)).encode() for argument in arguments)
    return encode(InvocationEnvelope(draw(st.uuids()), TrebuchetActorID(actor), target, 2, (), documents))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A frame of the corpus, or a good envelope, with one place changed."""
    text = draw(st.sampled_from(SHORT) | envelopes().map(encode))
    try:
        document = json.loads(text)
    except ValueError:
        return text
    return json.dumps(mutate(document, draw))


def texts() -> st.SearchStrategy[str]:
    """Frames of every kind, right and wrong; a stream id is never drawn twice but by intent."""
    return st.one_of(calls(), mutated(), frames(), st.sampled_from(SHORT), st.text(max_size=50))


def apart(text: str, stream_id: UUID, token: str) -> str:
    """The frame with a stream and actors that no other frame has, so that both can be sent at once."""
    other = str(stream_id).upper()
    text = text.replace(STREAM, other).replace(STREAM.lower(), other.lower())
    return text.replace("/corpus", f"/{token}").replace("/fuzz", f"/{token}")


def owed(text: str) -> Counter[Answer]:
    """What has to come back for a frame, each exactly once."""
    try:
        envelope = decode(text)
    except ProtocolError as error:
        return Counter([("response", error.call_id)] if error.call_id else [])
    match envelope:
        case InvocationEnvelope():
            kind = "streamStart" if is_stream_target(envelope.target_identifier) else "response"
            return Counter([(kind, str(envelope.call_id).upper())])
        case StreamResumeEnvelope():
            return Counter([("resume", str(envelope.stream_id).upper())])
        case _:
            return Counter()


def given_back(frames_: list[Frame], asked: Counter[Answer]) -> Counter[Answer]:
    """What came back, as far as it answers something; values and ends of streams do not."""
    found: Counter[Answer] = Counter()
    for frame in frames_:
        kind, payload = frame["type"], frame["payload"]
        if kind == "response" or (kind == "streamStart" and (kind, payload["callID"]) in asked):
            found[kind, payload["callID"]] += 1
        elif kind == "streamStart" or (kind == "streamError" and ("resume", payload["streamID"]) in asked):
            found["resume", payload["streamID"]] += 1
    return found
