"""Target identifiers, readable and mangled, and actor ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trebuche.errors import ActorError, ProtocolError
from trebuche.mangling import MangledName, read_mangled
from trebuche.targets import (
    actor_key,
    base_name,
    is_stream_target,
    observe_target,
    observed_property,
)

MANGLED = [
    (
        "$s5Plant10GreenhouseC9setTarget7celsius4zoneAA7ReadingVSd_SStYaKFTE",
        MangledName("Plant", ("Greenhouse",), "setTarget", ("celsius", "zone")),
    ),
    (
        "$s6Shared8TodoListC03addB05titleAA0B4ItemVSS_tYaKFTE",
        MangledName("Shared", ("TodoList",), "addTodo", ("title",)),
    ),
    ("$s4main7GreeterC4noopyyYaKFTE", MangledName("main", ("Greeter",), "noop", ())),
    ("$s10DemoShared0A7GreeterC4pingyyYaKFTE", MangledName("DemoShared", ("DemoGreeter",), "ping", ())),
    ("$s4main7GreeterC5helloSSyYaKFTE", MangledName("main", ("Greeter",), "hello", ())),
    ("$s4main7GreeterC5helloSSyFTE", MangledName("main", ("Greeter",), "hello", ())),
    ("$e4main7GreeterC5helloSSyYaKFTE", MangledName("main", ("Greeter",), "hello", ())),
    ("$s4mainAAC5helloSSyYaKFTE", MangledName("main", ("main",), "hello", ())),
    ("$s4main5OuterO7GreeterC3say_2toySS_SStYaKFTE", MangledName("main", ("Outer", "Greeter"), "say", ("_", "to"))),
    (
        "$s4main7Greeter33_0123456789ABCDEF0123456789ABCDEFLLC5helloSSyYaKFTE",
        MangledName("main", ("Greeter",), "hello", ()),
    ),
]

UNREADABLE = [
    "",
    "$s",
    "$sFTE",
    "addTodo",
    "$s4mainFTE",
    "$s4main7GreeterCFTE",
    "$s4main7GreeterC99helloSSyYaKFTE",
    "$s4main7GreeterC0z5helloyYaKFTE",
    "$s4main7GreeterC003abcyYaKFTE",
    "$s4main7GreeterC5helloSSyF",
    "$s4main5helloSSyYaKFTE",
    "$s4mäin7GreeterC5helloSSyYaKFTE",
    "$s99999999999999999999mainFTE",
]


@pytest.mark.parametrize(("identifier", "name"), MANGLED)
def test_mangled_names_are_read(identifier: str, name: MangledName) -> None:
    """Modules, types and methods, also where words of earlier names are reused."""
    assert read_mangled(identifier) == name


@pytest.mark.parametrize(("identifier", "name"), MANGLED)
def test_a_mangled_target_has_the_methods_base_name(identifier: str, name: MangledName) -> None:
    """Swift clients reach the method that other clients name plainly."""
    assert base_name(identifier) == name.method


@pytest.mark.parametrize("identifier", UNREADABLE)
def test_other_identifiers_are_not_guessed(identifier: str) -> None:
    """Broken, Punycode, or not a distributed method: an alias can be registered instead."""
    assert read_mangled(identifier) is None


@given(st.text("$s0123456789aAbBcCVyYKFTEL_é").map(lambda middle: f"$s4main{middle}YaKFTE"))
def test_the_reader_never_fails(identifier: str) -> None:
    """Whatever comes, it is read or it is not."""
    read_mangled(identifier)


@given(st.text() | st.text("$s0123456789aAbBcCVyYKFTEL_"))
def test_base_name_raises_one_error(identifier: str) -> None:
    """A target from the network cannot crash a function."""
    try:
        name = base_name(identifier)
    except ProtocolError:
        return
    assert name.isascii()
    assert 1 <= len(name) <= 128


@pytest.mark.parametrize("name", ["addTodo", "add_todo", "x", "2nd", "a" * 128])
def test_readable_targets_are_their_own_base_name(name: str) -> None:
    """Python and TypeScript clients send the name."""
    assert base_name(name) == name


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        ("", "expected 1 to 512 bytes, got 0"),
        ("a" * 513, "expected 1 to 512 bytes, got 513"),
        ("é" * 257, "expected 1 to 512 bytes, got 514"),
        ("a" * 129, "1 to 128 letters"),
        ("add todo", "only letters, digits"),
        ("join(player:)", "only letters, digits"),
        ("añadir", "only letters, digits"),
        ("add\n", "only letters, digits"),
        ("\ud800", "only letters, digits"),
        ("$sBroken", "register the whole identifier as an alias"),
        ("$s4main7GreeterC003abcyYaKFTE", "register the whole identifier as an alias"),
    ],
)
def test_impossible_targets_are_refused(identifier: str, message: str) -> None:
    """The text says what would be allowed."""
    with pytest.raises(ProtocolError, match=message):
        base_name(identifier)


@pytest.mark.parametrize("identifier", ["observe", "observeState", "observer", "observe_x"])
def test_stream_targets_start_with_observe(identifier: str) -> None:
    """Seven letters decide, nothing else."""
    assert is_stream_target(identifier)


@pytest.mark.parametrize(
    "identifier", ["Observe", "ObserveState", "observableCount", "$s4main7GreeterC7observeyyYaKFTE", "", " observe"]
)
def test_other_targets_are_calls(identifier: str) -> None:
    """Mangled names always are."""
    assert not is_stream_target(identifier)
    assert observed_property(identifier) is None


@pytest.mark.parametrize(
    ("identifier", "name"),
    [("observeState", "state"), ("observePlayerList", "playerList"), ("observer", "r"), ("observe", None)],
)
def test_the_observed_property(identifier: str, name: str | None) -> None:
    """The macro upper-cases the first letter."""
    assert observed_property(identifier) == name


@pytest.mark.parametrize("name", ["state", "playerList", "x"])
def test_observe_targets_are_spelled_as_the_macro_does(name: str) -> None:
    """There and back."""
    assert observed_property(observe_target(name)) == name


def test_equivalent_actor_ids_have_one_key() -> None:
    """Swift takes é and e with an accent for the same text."""
    assert actor_key("cafe\u0301") == actor_key("caf\u00e9") == "caf\u00e9"


@pytest.mark.parametrize("actor_id", ["todos", "todos/42", "conversation-42", "é" * 256, "e\u0301" * 256])
def test_actor_ids_are_any_text_of_256_characters(actor_id: str) -> None:
    """Characters are counted after normalising."""
    assert len(actor_key(actor_id)) <= 256


@pytest.mark.parametrize("actor_id", ["", "a" * 257, "a\0b"])
def test_impossible_actor_ids_are_refused(actor_id: str) -> None:
    """The text names the member."""
    with pytest.raises(ActorError, match=r"^actorID\.id: "):
        actor_key(actor_id)
