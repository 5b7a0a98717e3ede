"""``trebuche cost``: prices, bills, predictions and quotas, against figures that were worked out by hand."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.cost.asked import machines_of, read_size, read_window
from cli.cost.bill import Bill, bill_of, standing_bill
from cli.cost.guards import AUTHORIZER, LIMITS, WATCH
from cli.cost.prediction import arriving, steady
from cli.cost.prices import ARM, PRICES, READ_CAPACITY_HOURS, WRITE_CAPACITY_HOURS
from cli.cost.quotas import needs
from cli.cost.settings import compare, on_demand_break_even, provisioned_usd
from cli.cost.traffic import Machines, Traffic
from cli.errors import UsageError
from cli.main import trebuche
from sandbox.meter.units import (
    CONNECTION_MINUTES,
    CUSTOM_METRICS,
    INVOCATIONS,
    MESSAGES,
    QUEUE_REQUESTS,
    READ_UNITS,
    TRANSFER_OUT,
    WRITE_UNITS,
)

W1 = Traffic(connections=10_000, updates_per_minute=100, subscribers=100, size=1024, hours=1)
MACHINES = Machines()
ROOT = Path(__file__).resolve().parents[2]


def amounts(traffic: Traffic, unit: str) -> dict[str, float]:
    """Predicted amounts of one unit while connections are open, by cause."""
    return {one["cause"]: one["amount"] for one in steady(traffic, MACHINES) if one["unit"] == unit}


def test_every_price_has_a_source_and_a_date() -> None:
    """Behind each dollar stands where it was read and when."""
    assert [unit for unit, price in PRICES.items() if not (price.source and price.read.startswith("20"))] == []


def test_a_month_beyond_a_billion_messages_is_cheaper() -> None:
    """Tiers count for a whole month, not for a part of one that nobody knows the rest of."""
    assert PRICES[MESSAGES].of(1.5e9, monthly=True) == pytest.approx(1000 + 400)
    assert PRICES[MESSAGES].of(1.5e9) == pytest.approx(1500)


def test_a_bill_adds_up_what_was_counted() -> None:
    """By unit and by service, with what costs by the month for its share of one."""
    counts = [
        {"unit": MESSAGES, "resource": "a/b", "cause": "posted", "amount": 2e6},
        {"unit": MESSAGES, "resource": "a/b", "cause": "received", "amount": 1e6},
        {"unit": TRANSFER_OUT, "resource": "a/b", "cause": "posted", "amount": 1e9},
    ]
    bill = Bill(bill_of(counts), standing_bill([{"unit": CUSTOM_METRICS, "amount": 10}], hours=73))
    assert bill.by_unit()[MESSAGES] == pytest.approx((3e6, 3.0))
    assert bill.by_service() == pytest.approx({"API Gateway": 3.0, "CloudWatch": 0.3, "Data transfer": 0.09})
    assert bill.per_user_and_month(users=10, hours=73) == pytest.approx(3.39)


def test_deliveries_and_minutes_are_predicted_as_they_are_billed() -> None:
    """600,000 deliveries and as many minutes; each call costs its frame and its answer; nobody there needs to ping."""
    assert amounts(W1, MESSAGES)["deliveries"] == 600_000
    assert amounts(W1, MESSAGES)["calls"] == 12_000
    assert sum(amounts(W1, CONNECTION_MINUTES).values()) == 600_000
    assert amounts(W1, MESSAGES).get("keep-alive", 0) == pytest.approx(0)


def test_turns_are_predicted_by_the_size_of_their_items() -> None:
    """A state of 100 bytes is one unit, three items of it, double: 6; one of 3 KB is 4 units with its other members."""
    small, large = (amounts(Traffic(size=size, hours=1), WRITE_UNITS)["calls"] for size in (100, 3 * 1024))
    assert small == 6_000 * 6
    assert large == 6_000 * 24


def test_large_frames_are_several_messages() -> None:
    """A state of 30 KB is more than 32 KB in base64."""
    assert amounts(Traffic(size=30 * 1024, hours=1), MESSAGES)["deliveries"] == 2 * 600_000


def test_a_window_bounds_deliveries() -> None:
    """20 updates a second to 100 subscribers are four of them with 250 ms; slow changes lose nothing."""
    hot = Traffic(connections=100, updates_per_minute=1200, subscribers=100, hours=1)
    windowed = Traffic(connections=100, updates_per_minute=1200, subscribers=100, hours=1, window_ms=250)
    assert hot.deliveries == 7_200_000
    assert windowed.deliveries == 1_440_000
    assert Traffic(window_ms=250).deliveries == Traffic().deliveries


def test_silent_connections_ping() -> None:
    """Every five minutes, a message and its answer."""
    silent = Traffic(connections=60, updates_per_minute=0, hours=1)
    assert amounts(silent, MESSAGES)["keep-alive"] == pytest.approx(60 * 12 * 2)


def test_provisioned_capacity_pays_when_it_is_used() -> None:
    """From 28.9 % of use on; evenly used it saves, bought for a peak that is rare it costs."""
    assert on_demand_break_even() == pytest.approx(0.289, abs=0.001)
    units = 3600 * 70.0
    assert provisioned_usd(units, WRITE_UNITS, 1, peak=1) == pytest.approx(100 * PRICES[WRITE_CAPACITY_HOURS].usd)
    assert provisioned_usd(units, READ_UNITS, 1, peak=3) == pytest.approx(300 * PRICES[READ_CAPACITY_HOURS].usd)


def test_gzip_saves_nothing_but_transfer_below_32_kb() -> None:
    """Where a frame is one message before and after, only its bytes are fewer; above, messages are, too."""
    small, large = (
        {one.name: one.difference for one in compare(bill_of(steady(traffic, MACHINES)), traffic)}
        for traffic in (W1, Traffic(size=60 * 1024, hours=1))
    )
    assert -0.07 < small["gzip in messages"] < 0
    assert large["gzip in messages"] < -1.0
    assert small["x86_64 functions"] > 0


def test_the_first_quota_is_in_front() -> None:
    """10,000 posts a second are the account's; what to ask for is half as much again as is needed."""
    busy = Traffic(connections=100_000, updates_per_minute=12_000, subscribers=100)
    first = needs(busy)[0]
    assert first.quota.startswith("API Gateway requests")
    assert first.breaks
    assert first.needed == pytest.approx(200 + 20_000 + 100_000 / 7200)
    assert "31,000" in first.ask
    assert [need.share for need in needs(busy)] == sorted((need.share for need in needs(busy)), reverse=True)


def test_a_million_connections_fit_until_they_are_told_too_much() -> None:
    """In silence what breaks first is coming back; with an update a minute for each it is API Gateway's rate."""
    silent = needs(Traffic(connections=1_000_000, updates_per_minute=100, subscribers=100))
    told = needs(Traffic(connections=1_000_000, updates_per_minute=10_000, subscribers=100))
    assert not any(need.breaks for need in silent)
    assert told[0].quota.startswith("API Gateway requests")
    assert told[0].breaks


def test_prediction_is_printed_for_programs() -> None:
    """One document with lines, settings, quotas and the prices behind them, beside what the page says."""
    words = ["cost", "--connections", "10000", "--updates-per-minute", "100", "--subscribers", "100", "--json"]
    answer = CliRunner().invoke(trebuche, words)
    document = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert document["kind"] == "prediction"
    assert document["page"] == {"low": 0.15, "high": 0.25}
    assert 0 < document["usdPerUserAndMonth"] < 0.25
    assert document["usd"] == pytest.approx(sum(one["usd"] for one in document["units"].values()))
    assert set(document["prices"]) == set(document["units"])
    assert document["quotas"][0]["share"] >= document["quotas"][-1]["share"]


def test_prediction_is_printed_for_people() -> None:
    """Shares, the user's month beside the page's, settings, and which quota comes first."""
    answer = CliRunner().invoke(trebuche, ["cost", "--connections", "1000000", "--window", "250ms", "--size", "1KB"])
    assert answer.exit_code == 0
    for text in ("gateway-messages", "%", "the page: $0.15 to $0.25", "x86_64", "Quotas of an account", "2026-09-20"):
        assert text in answer.stdout


def test_price_list_is_printed() -> None:
    """Each unit with its source."""
    document = json.loads(CliRunner().invoke(trebuche, ["cost", "--prices", "--json"]).stdout)
    assert document["prices"][ARM]["usd"] == PRICES[ARM].usd
    assert document["region"] == "us-east-1"


def test_sizes_and_windows_are_read() -> None:
    """As people write them."""
    assert [read_size(text) for text in ("800", "1KB", "1.5 mb")] == [800, 1024, 1_572_864]
    assert [read_window(text) for text in ("50ms", "250ms", "1000ms")] == [50, 250, 1000]
    with pytest.raises(UsageError, match="--size"):
        read_size("large")


@pytest.mark.parametrize("window", ["49ms", "1001ms", "2s", "250", "0ms", "-250ms", "soon"])
def test_windows_that_no_actor_can_have_are_refused(window: str) -> None:
    """With what trebuche.yaml takes: a prediction for another would be of something that cannot be deployed."""
    answer = CliRunner().invoke(trebuche, ["cost", f"--window={window}"])
    assert answer.exit_code == 2
    assert f"--window '{window}' is no window" in answer.output
    assert "from 50ms to 1000ms, such as 250ms" in answer.output


def test_machines_are_those_of_the_program() -> None:
    """The largest actor's memory; each stateful actor has a queue and an alarm on it."""
    machines = machines_of(ROOT)
    assert machines.actor_mb == 2048
    assert machines.stateful_actors == 2
    assert machines.alarms == 3 * 4 + 9 + 2


def guarded_by(folder: Path, config: str) -> Path:
    """A folder with the shipped trebuche.yaml, which says this, too."""
    (folder / "trebuche.yaml").write_text((ROOT / "trebuche.yaml").read_text() + config)
    return folder


@pytest.mark.parametrize(
    ("config", "rates", "look_seconds"),
    [
        ("", 0, 0),
        ("limits: {connection: {rate: 20}}", 1, 0),
        # Nobody has a name without auth, so there is nothing to count by it.
        ("limits: {connection: {rate: 20}, principal: {rate: 50}, streams: 10}", 1, 0),
        ("limits: {connection: {rate: 20}, principal: {rate: 50}}\nauth: {api_keys: true}", 2, 900),
        ("delivery: {idle_timeout: 300}", 0, 300),
    ],
)
def test_limits_and_auth_are_read_from_the_program(tmp_path: Path, config: str, rates: int, look_seconds: int) -> None:
    """Writes of each frame, and how often connections are looked at; auth brings a function and a table."""
    machines = machines_of(guarded_by(tmp_path, f"\n{config}\n"))
    auth = "auth" in config
    assert (machines.rates, machines.look_seconds, machines.authorizer_mb) == (rates, look_seconds, 512 * auth)
    assert machines.alarms == machines_of(ROOT).alarms + 4 * auth
    assert machines.queues == 2 + (look_seconds > 0)


def test_limits_and_auth_are_predicted_as_they_are_billed() -> None:
    """W1's hour: a write of each rate for 6,000 calls and 10,000 observations, and four looks at each connection."""
    machines = Machines(rates=2, authorizer_mb=512, look_seconds=900)
    counts = [*steady(W1, machines), *arriving(W1, machines)]

    def taken(cause: str, unit: str) -> float:
        return float(sum(one["amount"] for one in counts if (one["cause"], one["unit"]) == (cause, unit)))

    assert taken(LIMITS, WRITE_UNITS) == 2 * (6_000 + 10_000)
    assert taken(AUTHORIZER, INVOCATIONS) == 10_000
    assert taken(AUTHORIZER, READ_UNITS) == 40_000
    assert taken(WATCH, INVOCATIONS) == 40_000
    assert taken(WATCH, QUEUE_REQUESTS) == 10_000 + 3 * 40_000


def test_what_limits_and_auth_cost_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, for people and for programs; where there are none, nothing is said."""
    words = ["cost", "--connections", "10000", "--hours", "1"]
    assert "of which" not in CliRunner().invoke(trebuche, words).stdout
    root = guarded_by(tmp_path, "\nlimits: {connection: {rate: 20}}\nauth: {api_keys: true}\n")
    monkeypatch.setattr("cli.checkout.checkout_root", lambda: root)
    document = json.loads(CliRunner().invoke(trebuche, [*words, "--json"]).stdout)
    assert document["guards"][LIMITS] == pytest.approx(16_000 * PRICES[WRITE_UNITS].usd)
    assert set(document["guards"]) == {LIMITS, AUTHORIZER, WATCH}
    assert f"of which {LIMITS}: $0.010000" in CliRunner().invoke(trebuche, words).stdout
