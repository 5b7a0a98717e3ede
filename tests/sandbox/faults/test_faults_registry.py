"""Which faults are on, and when they strike."""

import pytest

from sandbox.errors import SandboxError
from sandbox.faults import CATALOG, Faults


def strikes(faults: Faults, times: int, **facts: str) -> list[bool]:
    """Whether a throttled table strikes at each of so many opportunities."""
    return [faults.take("throttled-table", **facts) is not None for _ in range(times)]


def test_all_faults_are_off_at_first() -> None:
    """Nothing strikes, and the one attribute that the fast path looks at says so."""
    faults = Faults()
    assert not faults.active
    assert not any(faults.take(name) for name in CATALOG)


def test_a_seed_draws_the_same_chances_again() -> None:
    """Two runs of the same seed are alike; another seed differs."""
    runs = []
    for seed in (7, 7, 8):
        faults = Faults()
        faults.set("throttled-table", {"rate": 0.3, "seed": seed})
        runs.append(strikes(faults, 200))
    assert runs[0] == runs[1] != runs[2]
    assert 30 < sum(runs[0]) < 90


def test_a_count_ends_it() -> None:
    """It strikes as often as it was told, then never again."""
    faults = Faults()
    faults.set("throttled-table", {"count": 2})
    assert strikes(faults, 4) == [True, True, False, False]


def test_filters_narrow_it_down() -> None:
    """Every filter must match; a star stands for anything; what does not match is no opportunity."""
    faults = Faults()
    faults.set("throttled-table", {"table": "todo-*", "operation": "PutItem", "count": 1})
    assert not any(strikes(faults, 3, table="game", operation="PutItem"))
    assert not any(strikes(faults, 3, table="todo-dev", operation="GetItem"))
    assert strikes(faults, 1, table="todo-dev", operation="PutItem") == [True]


def test_clearing_one_leaves_the_others() -> None:
    """Faults are switched on and off by themselves."""
    faults = Faults()
    faults.set("throttled-table")
    faults.set("post-gone")
    faults.clear("post-gone")
    assert faults.take("post-gone") is None
    assert strikes(faults, 1) == [True]
    faults.clear()
    assert not faults.active


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("no-such-fault", {}, "no fault 'no-such-fault'"),
        ("post-gone", {"tabel": "x"}, "takes no 'tabel'; it takes rate, count, seed, api"),
        ("post-gone", {"rate": 1.5}, "rate is 1.5"),
        ("post-gone", {"count": -1}, "count is -1"),
        ("post-gone", {"seed": "x"}, "seed is 'x'"),
        ("post-gone", {"api": ""}, "api is ''"),
        ("post-hang", {"seconds": True}, "seconds is True"),
    ],
)
def test_what_cannot_be_set_is_named(name: str, settings: dict[str, object], told: str) -> None:
    """The message names fault, setting and value; nothing is switched on."""
    faults = Faults()
    with pytest.raises(SandboxError) as caught:
        faults.set(name, settings)
    assert told in str(caught.value)
    assert not faults.active
