"""The model of subscribing and resuming: every order of every step, with each decision of the design and without."""

from dataclasses import fields, replace

import pytest

from trebuche_testing.model import Rules, states, unsafe


def test_no_order_of_steps_loses_or_confuses_a_version() -> None:
    """With all rules on; and there are orders enough."""
    assert unsafe(Rules()) is None
    assert states(Rules()) > 1_000


@pytest.mark.parametrize("rule", [field.name for field in fields(Rules)])
def test_each_rule_is_needed(rule: str) -> None:
    """Without it some order of steps leads to a reader that lost or confused something."""
    off: dict[str, bool] = {rule: False}
    way = unsafe(replace(Rules(), **off))
    assert way is not None
    assert way[-1].startswith(("got ", "rests at "))
    if rule == "strong":
        # The page's index: it has not shown the row yet when the change is fanned out.
        assert "index" not in way[: way.index("read row")]
