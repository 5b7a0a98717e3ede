"""Rules: who may do what to which actor."""

from typing import Any

import pytest

from trebuche.auth.principals import Principal, principal_name
from trebuche.auth.rules import Rules, read_rules
from trebuche.documents import Json, dumps
from trebuche.errors import ForbiddenError
from trebuche.socket_events import read_socket_event

ALICE = Principal("alice", 0, {"role": ["user", "editor"], "tenant": "t1", "level": 3, "beta": True, "none": ""})


def rules(*entries: dict[str, Json]) -> Rules:
    """Rules through the form in which functions get them."""
    return read_rules(dumps(list(entries)))


def test_many_claims_of_many_values_take_no_time() -> None:
    """A token chooses how many there are, and each frame is held against them."""
    many: list[Json] = [f"g{number}" for number in range(300)]
    found = rules({"actors": "rooms/{g}/{g}/{h}/x"})
    principal = Principal("alice", 0, {"g": many, "h": many})

    assert not allowed(found, "rooms/g1/g2/g3", "addTodo", principal)
    assert allowed(found, "rooms/g1/g2/g3/x", "addTodo", principal)


def allowed(found: Rules, actor_id: str, method: str, principal: Principal = ALICE) -> bool:
    """Whether it passes."""
    try:
        found.check(principal, actor_id, method)
    except ForbiddenError:
        return False
    return True


def test_without_rules_everything_is_allowed() -> None:
    """To whoever came in."""
    assert allowed(read_rules("[]"), "todos", "addTodo")
    assert allowed(read_rules(""), "todos", "addTodo")


@pytest.mark.parametrize(
    ("actors", "actor_id", "expected"),
    [
        ("todos/{sub}", "todos/alice", True),
        ("todos/{sub}", "todos/bob", False),
        ("todos/{sub}", "todos", False),
        ("todos/{sub}", "todos/alice/x", False),
        ("todos/{sub}", "xtodos/alice", False),
        ("todos/{sub}", "todos/alice\n", False),
        ("todos/*", "todos/anything/at\nall", True),
        ("todos/*", "todos", False),
        ("*", "todos", True),
        ("todos*", "todos", True),
        ("todos.", "todosx", False),
        ("todos/{tenant}/{sub}", "todos/t1/alice", True),
        ("todos/{tenant}/{sub}", "todos/t2/alice", False),
        ("rooms/{role}", "rooms/editor", True),
        ("rooms/{role}", "rooms/admin", False),
        ("rooms/{level}", "rooms/3", True),
        ("rooms/{unknown}", "rooms/", False),
        ("rooms/{none}", "rooms/", False),
    ],
)
def test_a_pattern_names_actors(actors: str, actor_id: str, expected: bool) -> None:
    """Stars are any text, braces what the claim says, and everything else is itself."""
    assert allowed(rules({"actors": actors}), actor_id, "addTodo") is expected


@pytest.mark.parametrize("name", ["*", ".*", "{sub}", "a|b", "[a-z]*"])
def test_a_claim_is_never_a_pattern(name: str) -> None:
    """Whoever may choose a name must not choose a star."""
    found = rules({"actors": "todos/{sub}"})

    assert allowed(found, f"todos/{name}", "addTodo", Principal(name))
    assert not allowed(found, "todos/a", "addTodo", Principal(name))


@pytest.mark.parametrize(
    ("methods", "method", "expected"),
    [
        (["addTodo"], "addTodo", True),
        (["addTodo"], "addTodos", False),
        (["observe*"], "observeState", True),
        (["observe*"], "addTodo", False),
        (["*Todo", "clear"], "clear", True),
    ],
)
def test_methods_and_streams_are_named_alike(methods: list[Json], method: str, expected: bool) -> None:
    """A stream's name is its target."""
    assert allowed(rules({"methods": methods}), "todos", method) is expected


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"role": ["admin", "editor"]}, True),
        ({"role": "admin"}, False),
        ({"level": 3, "beta": True}, True),
        ({"level": 3, "beta": False}, False),
        ({"sub": "alice"}, True),
        ({"absent": "x"}, False),
    ],
)
def test_claims_must_say_what_the_rule_asks_for(claims: dict[str, Any], expected: bool) -> None:
    """Each of them, one of its values."""
    assert allowed(rules({"claims": claims}), "todos", "addTodo") is expected


def test_the_first_rule_that_speaks_of_a_case_decides_it() -> None:
    """So exceptions come first, and what no rule speaks of is refused."""
    found = rules(
        {"actors": "todos/{sub}", "methods": ["clear*"], "allow": False},
        {"actors": "todos/{sub}"},
        {"actors": "todos/*", "methods": ["observe*"]},
    )

    assert allowed(found, "todos/alice", "addTodo")
    assert not allowed(found, "todos/alice", "clearCompleted")
    assert allowed(found, "todos/bob", "observeState")
    assert not allowed(found, "todos/bob", "addTodo")
    assert not allowed(found, "game", "observeState")


COMPOSED, DECOMPOSED = "zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", "zoe\N{COMBINING DIAERESIS}"


@pytest.mark.parametrize("written", [COMPOSED, DECOMPOSED])
def test_names_are_compared_as_actor_ids_are(written: str) -> None:
    """Ids are NFC when they are looked up: claims, patterns and values of either spelling have to be what ids are."""
    principal = Principal(COMPOSED, 0, {"team": [written], "role": written})

    assert allowed(rules({"actors": "todos/{team}"}), f"todos/{COMPOSED}", "addTodo", principal)
    assert allowed(rules({"actors": f"todos/{written}/*"}), f"todos/{COMPOSED}/1", "addTodo", principal)
    assert allowed(rules({"claims": {"role": COMPOSED}}), "todos", "addTodo", principal)
    assert allowed(rules({"claims": {"role": written, "sub": written}}), "todos", "addTodo", principal)


def test_a_principal_of_either_spelling_is_one() -> None:
    """Its own list is the one whose id looks like its name, and what is taken from one is taken from the other."""
    assert principal_name(DECOMPOSED) == principal_name(COMPOSED) == COMPOSED
    context = {"authorizer": {"principalId": DECOMPOSED}, "connectionId": "c1"}
    assert read_socket_event({"requestContext": context}).caller.principal == COMPOSED
