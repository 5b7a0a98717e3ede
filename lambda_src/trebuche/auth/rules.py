"""Who may do what: rules over actor ids, methods and claims. The first rule that speaks of a case decides it.

An id pattern is an actor id in which ``*`` stands for any text and ``{claim}`` for what a claim says: ``todos/{sub}``,
``rooms/*``. Claims may be lists, of which any element will do. With rules, what no rule speaks of is refused; without
any rule everybody who was let in may do everything.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from trebuche.auth.principals import Principal
from trebuche.documents import Json, loads
from trebuche.errors import ForbiddenError

SUBJECT: Final = "sub"
"""The claim that every principal has: its name."""
_PIECE: Final = re.compile(r"\*|\{(?P<claim>[^{}]*)\}|[^*{}]+|[{}]")

_NOTHING: Final = r"(?!)"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        actors: Pattern of actor ids.
        methods: Patterns of methods and stream targets: ``addTodo``, ``observe*``.
        claims: What claims must say, each one of the values given.
        allow: Whether the rule lets pass or refuses.
    """

    actors: str = "*"
    methods: tuple[str, ...] = ("*",)
    claims: Mapping[str, tuple[Json, ...]] = field(default_factory=dict, hash=False)
    allow: bool = True

    def speaks_of(self, principal: Principal, actor_id: str, names: tuple[str, ...]) -> bool:
        """Whether this rule decides the case; ``names`` as for ``Rules.check``."""
        # What is allowed is allowed by its own name only; what is refused is refused under whatever name it has.
        meant = names[:1] if self.allow else names
        return (
            any(re.fullmatch(_globbed(pattern), name) for pattern in self.methods for name in meant)
            and all(set(_values(principal, name)) & set(map(_word, wanted)) for name, wanted in self.claims.items())
            and re.fullmatch(_pattern(self.actors, principal), actor_id, re.DOTALL) is not None
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a deployment, in order; none at all allow everything."""

    rules: tuple[Rule, ...] = ()

    def check(self, principal: Principal, actor_id: str, method: str, names: tuple[str, ...] = ()) -> None:
        """Refuse what is not allowed.

        Args:
            principal: Who asks.
            actor_id: Of the actor, in the form that keys tables.
            method: The name that was asked for, or the stream target.
            names: All names of what will run, its own first; by default what was asked for is the only one.

        Raises:
            ForbiddenError: A rule forbids it, or none allows it.
        """
        if not self.rules:
            return
        for rule in self.rules:
            if rule.speaks_of(principal, actor_id, names or (method,)):
                if rule.allow:
                    return
                break
        raise ForbiddenError(method, actor_id)


def read_rules(text: str) -> Rules:
    """Rules as the program hands them to a function.

    ``[{"actors": "todos/{sub}", "methods": ["addTodo"], "claims": {"role": ["admin"]}, "allow": true}, …]``
    """
    entries = loads(text) if text else []
    assert isinstance(entries, list)
    return Rules(tuple(_rule(entry) for entry in entries if isinstance(entry, dict)))


def _rule(entry: Mapping[str, Json]) -> Rule:
    methods, claims = entry.get("methods"), entry.get("claims")
    return Rule(
        # As actor ids are: what looks the same on the page has to be the same.
        actors=_word(entry.get("actors", "*")),
        methods=tuple(map(str, methods)) if isinstance(methods, list) else ("*",),
        claims={name: tuple(wanted) if isinstance(wanted, list) else (wanted,) for name, wanted in claims.items()}
        if isinstance(claims, dict)
        else {},
        allow=entry.get("allow") is not False,
    )


def _pattern(actors: str, principal: Principal) -> str:
    """Regular expression of an id pattern; a claim that says nothing matches nothing, not even an empty text."""
    pieces = []
    for piece in _PIECE.finditer(actors):
        if piece["claim"] is not None:
            said = "|".join(map(re.escape, _values(principal, piece["claim"])))
            pieces.append(f"(?:{said})" if said else _NOTHING)
        else:
            pieces.append(_globbed(piece[0]))
    return "".join(pieces)


def _globbed(text: str) -> str:
    """A regular expression in which stars stand for any text, and nothing else for anything but itself."""
    return ".*".join(map(re.escape, text.split("*")))


def _values(principal: Principal, claim: str) -> Iterator[str]:
    value: Json = principal.name if claim == SUBJECT else principal.claims.get(claim)
    for one in value if isinstance(value, list) else [value]:
        # An empty text would let ``todos/{tenant}`` stand for what belongs to nobody.
        if isinstance(one, str | int | float | bool) and one != "":
            yield _word(one)


def _word(value: Json) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else unicodedata.normalize("NFC", str(value))
