"""Calls, envelopes, frames and schedules for hypothesis."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from trebuche.actor_types import ActorType, Method, Parameter
from trebuche.actors import Actor
from trebuche.documents import dumps
from trebuche.envelopes import (
    Envelope,
    FilterType,
    InvocationEnvelope,
    ResponseEnvelope,
    StreamDataEnvelope,
    StreamEndEnvelope,
    StreamEndReason,
    StreamErrorEnvelope,
    StreamFilter,
    StreamResumeEnvelope,
    StreamStartEnvelope,
    TrebuchetActorID,
    encode,
)
from trebuche.values import to_json
from trebuche_testing.draws import draw
from trebuche_testing.plan import Plan
from trebuche_testing.specification import Specification
from trebuche_testing.typed import PLAIN, TEXT, values

_UINT64 = st.integers(0, 2**64 - 1)
_NAME = st.text(st.characters(categories=("Ll", "Lu"), max_codepoint=127), min_size=1, max_size=20)


def documents() -> SearchStrategy[bytes]:
    """JSON documents."""
    return PLAIN.map(lambda value: dumps(value).encode())


def filters() -> SearchStrategy[StreamFilter]:
    """Stream filters."""
    parameters = st.none() | st.dictionaries(_NAME, TEXT, max_size=2)
    return st.builds(StreamFilter, st.sampled_from(FilterType), st.none() | _NAME, parameters)


def invocations(actor: str = "ledger", target: str | None = None) -> SearchStrategy[InvocationEnvelope]:
    """Invocations of an actor with any arguments; of any method unless one is named."""
    return st.builds(
        InvocationEnvelope,
        st.uuids(),
        st.just(TrebuchetActorID(actor)),
        _NAME if target is None else st.just(target),
        st.integers(1, 2),
        st.just(()),
        st.lists(documents(), max_size=3).map(tuple),
        st.none() | filters(),
    )


def calls(actor: type[Actor[Any]], actor_id: str | None = None) -> SearchStrategy[InvocationEnvelope]:
    """Calls of an actor that are right: one of its methods, with arguments of the declared types.

    Args:
        actor: The class.
        actor_id: Whom to call; by default the actor that has the exposed name itself.
    """
    actor_type = ActorType(actor)
    one = st.sampled_from(list(actor_type.methods.values()))
    return one.flatmap(lambda method: _calls(actor_id or actor_type.exposed_as, method))


def envelopes() -> SearchStrategy[Envelope]:
    """All seven kinds."""
    actor = st.builds(TrebuchetActorID, _NAME)
    moments = st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
    return st.one_of(
        invocations(),
        st.builds(ResponseEnvelope, st.uuids(), st.none() | documents(), st.none() | TEXT),
        st.builds(StreamStartEnvelope, st.uuids(), st.uuids(), actor, _NAME, st.none() | filters()),
        st.builds(StreamDataEnvelope, st.uuids(), _UINT64, documents(), moments, st.none() | _UINT64),
        st.builds(StreamEndEnvelope, st.uuids(), st.sampled_from(StreamEndReason)),
        st.builds(StreamErrorEnvelope, st.uuids(), TEXT),
        st.builds(StreamResumeEnvelope, st.uuids(), _UINT64, actor, _NAME),
    )


def frames() -> SearchStrategy[str]:
    """Frames: whole ones, ones that were cut, ones with something in them that does not belong there."""
    whole = envelopes().map(encode)
    return st.one_of(whole, st.builds(_cut, whole, st.integers(0, 300)), st.builds(_spoilt, whole, TEXT), TEXT)


def schedules(specification: Specification) -> SearchStrategy[Plan]:
    """Schedules of an actor; ``trebuche_testing.schedule.run`` runs one."""
    return st.integers(0, 2**32 - 1).map(lambda seed: draw(seed, specification))


def _calls(actor_id: str, method: Method) -> SearchStrategy[InvocationEnvelope]:
    def document(parameter: Parameter) -> SearchStrategy[bytes]:
        return values(parameter.type).map(lambda value: dumps(to_json(parameter.type, value)).encode())

    required = sum(parameter.required for parameter in method.parameters)
    given = st.integers(required, len(method.parameters))
    arguments = given.flatmap(lambda number: st.tuples(*map(document, method.parameters[:number])))
    name = st.just(method.name)
    return st.builds(
        InvocationEnvelope, st.uuids(), st.just(TrebuchetActorID(actor_id)), name, st.just(2), st.just(()), arguments
    )


def _cut(frame: str, length: int) -> str:
    return frame[:length]


def _spoilt(frame: str, text: str) -> str:
    middle = len(frame) // 2
    return frame[:middle] + text + frame[middle + 1 :]
