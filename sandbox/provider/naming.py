"""Names for resources that the program left nameless."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.provider.properties import Props
from sandbox.provider.table import Autoname

_HEX_DIGITS = 7


@dataclass(frozen=True, kw_only=True)
class Naming:
    """What a name is made from: the logical name, the engine's seed, and a name that the engine proposes, if any."""

    logical: str
    seed: bytes
    proposed: str = ""


def named_inputs(rule: Autoname, olds: Mapping[str, Any], news: Props, naming: Naming) -> Props:
    """The inputs with a name: the program's, else the one made earlier (the seed differs every time), else a new one.

    ``__defaults`` remembers that the name is ours, so that a replacement may get another one before the old goes.
    """
    if news.get(rule.property) is not None:
        return news
    ours = rule.property in olds.get("__defaults", [])
    name = olds[rule.property] if ours and rule.property in olds else _fresh(rule, naming, naming.logical, news)
    return {**news, rule.property: name, "__defaults": [rule.property]}


def _fresh(rule: Autoname, naming: Naming, logical: str, news: Mapping[str, Any]) -> str:
    if naming.proposed:
        return naming.proposed
    end = f"{rule.separator}{_digits(naming)}{rule.suffix(news)}"
    room = rule.longest - len(rule.prefix) - len(end)
    # Without a separator only letters and digits will do (models of API Gateway).
    base = logical if rule.separator else "".join(character for character in logical if character.isalnum())
    return f"{rule.prefix}{base[:room]}{end}"


def _digits(naming: Naming) -> str:
    seed = naming.seed or naming.logical.encode()
    return hashlib.sha256(seed + naming.logical.encode()).hexdigest()[:_HEX_DIGITS]
