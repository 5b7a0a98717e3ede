"""``trebuche cost``: prices what the sandbox has counted, or predicts what traffic would cost, and prints it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from cli.cost.bill import SEED_HIGH, SEED_LOW, Bill, Line, bill_of, standing_bill
from cli.cost.guards import CAUSES
from cli.cost.prediction import arriving, standing, steady
from cli.cost.prices import MONTH_HOURS, PRICES, REGION
from cli.cost.quotas import Need, needs, reconnect_minutes
from cli.cost.settings import Setting, compare
from cli.cost.traffic import Machines, Traffic
from cli.output import OK, Output
from sandbox.handle import Handle
from sandbox.meter.units import QUEUE_REQUESTS

PAGE: Final = {"low": SEED_LOW, "high": SEED_HIGH}


def price_run(output: Output, sandbox: Handle, users: int | None) -> int:
    """Print what the sandbox's meter has counted, with prices; returns the exit code.

    Raises:
        SandboxError: No sandbox answers.
    """
    reading = sandbox.meter.read()
    hours = max(reading["now"] - reading["since"], 1.0) / 3600
    bill = Bill(bill_of(reading["counts"]), standing_bill(reading["standing"], hours))
    if output.as_json:
        output.document(_document("run", bill, hours, users))
        return OK
    output.line(f"Counted in {hours:.2f} hours of the sandbox's clock, at the prices of {REGION}:")
    _print_bill(output, bill)
    if users:
        _print_user(output, bill.per_user_and_month(users, hours))
    _print_prices(output, bill)
    return OK


def predict(output: Output, traffic: Traffic, machines: Machines) -> int:
    """Print what traffic would cost, under which settings, and which quota it meets first; returns the exit code."""
    bill = predicted(traffic, machines)
    settings, quotas = compare(bill.lines, traffic), needs(traffic)
    if output.as_json:
        document = _document("prediction", bill, traffic.hours, traffic.connections)
        document["traffic"] = asdict(traffic)
        document["guards"] = bill.by_cause(CAUSES)
        document["settings"] = [asdict(one) for one in settings]
        document["quotas"] = [{**asdict(one), "share": one.share, "breaks": one.breaks} for one in quotas]
        document["reconnectMinutes"] = reconnect_minutes(traffic)
        output.document(document)
        return OK
    output.line(_describe(traffic))
    _print_bill(output, bill)
    _print_guards(output, bill)
    _print_user(output, bill.per_user_and_month(traffic.connections, MONTH_HOURS))
    _print_settings(output, settings)
    _print_quotas(output, quotas, traffic)
    _print_prices(output, bill)
    return OK


def predicted(traffic: Traffic, machines: Machines) -> Bill:
    """The bill of a month's traffic."""
    used = bill_of([*steady(traffic, machines), *arriving(traffic, machines)], monthly=True)
    all_standing = standing(machines, MONTH_HOURS)
    polls = [one for one in all_standing if one["unit"] == QUEUE_REQUESTS]
    by_month = [one for one in all_standing if one["unit"] != QUEUE_REQUESTS]
    return Bill(used, [*standing_bill(by_month, MONTH_HOURS), *bill_of(polls, monthly=True)])


def print_prices(output: Output) -> int:
    """Print the whole price list; returns the exit code."""
    if output.as_json:
        output.document({"region": REGION, "prices": _prices(PRICES)})
        return OK
    for unit, price in PRICES.items():
        output.line(f"{unit:32} {price.per:52} {price.source}, {price.read}")
    return OK


def _document(kind: str, bill: Bill, hours: float, users: int | None) -> dict[str, Any]:
    a_user = None if not users else bill.per_user_and_month(users, hours if kind == "run" else MONTH_HOURS)
    return {
        "kind": kind,
        "region": REGION,
        "hours": hours,
        "lines": [_line(line) for line in bill.lines],
        "standing": [_line(line) for line in bill.standing],
        "units": {unit: {"amount": amount, "usd": usd} for unit, (amount, usd) in bill.by_unit().items()},
        "services": bill.by_service(),
        "usd": bill.usd,
        "usdPerUserAndMonth": a_user,
        "page": PAGE,
        "prices": _prices(bill.by_unit()),
    }


def _line(line: Line) -> dict[str, Any]:
    return {"service": line.service, **asdict(line)}


def _prices(units: Iterable[str]) -> dict[str, Any]:
    return {unit: asdict(PRICES[unit]) for unit in units}


def _describe(traffic: Traffic) -> str:
    window = f", the latest value of each {traffic.window_ms} ms" if traffic.window_ms else ""
    return (
        f"{traffic.connections:,} connections for {traffic.hours:g} hours a month, "
        f"{traffic.updates_per_minute:g} updates a minute of {traffic.size:,} bytes "
        f"to {traffic.subscribers:,} subscribers each{window}; {REGION}, a month:"
    )


def _print_bill(output: Output, bill: Bill) -> None:
    total = bill.usd or 1.0
    rows = [
        (unit, f"{amount:,.0f}" if amount >= 100 else f"{amount:,.3g}", usd)
        for unit, (amount, usd) in bill.by_unit().items()
    ]
    width = max((len(amount) for _, amount, _ in rows), default=0)
    for unit, amount, usd in rows:
        output.line(f"  {PRICES[unit].service:14} {unit:30} {amount:>{width}}  ${usd:>12,.6f}  {usd / total:6.1%}")
    output.line(f"  {'total':45} {'':{width}}  ${bill.usd:>12,.6f}", style="bold")


def _print_guards(output: Output, bill: Bill) -> None:
    for cause, usd in bill.by_cause(CAUSES).items():
        output.line(f"  of which {cause}: ${usd:,.6f}")


def _print_user(output: Output, usd: float) -> None:
    output.line(f"Per user and month: ${usd:.4f} (the page: ${SEED_LOW} to ${SEED_HIGH})")


def _print_settings(output: Output, settings: Sequence[Setting]) -> None:
    output.line()
    output.line("With other settings, a month:")
    for one in settings:
        output.line(f"  {one.name:54} {one.difference:+14,.2f} $  {one.why}")


def _print_quotas(output: Output, quotas: Sequence[Need], traffic: Traffic) -> None:
    output.line()
    output.line("Quotas of an account, the first to break in front:")
    for one in quotas:
        output.line(f"  {one.share:8.1%}  {one.quota}: {one.needed:,.0f} of {one.allowed:,.0f}")
        if one.breaks:
            output.line(f"            ask: {one.ask}")
    output.line(f"  After a loss of all connections: {reconnect_minutes(traffic):.0f} minutes until all are back.")


def _print_prices(output: Output, bill: Bill) -> None:
    output.line()
    output.line("Prices:", style="dim")
    for unit in bill.by_unit():
        price = PRICES[unit]
        output.line(f"  {price.service}: {price.per} ({price.source}, {price.read})", style="dim")
