"""docs/costs.md says what its programs print: the page's optimisations, and a million connections."""

from pathlib import Path

import pytest

from bench import million
from bench.savings.advice import all_of
from bench.savings.compression import Frame, frames
from bench.savings.counted import load
from bench.savings.tables import advice_table, gzip_table
from bench.workloads.steady import CONNECTIONS, LIMIT

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "costs.md").read_text()
LINES = {line.strip() for line in PAGE.splitlines()}


def test_the_page_has_what_was_measured_of_the_optimisations() -> None:
    """Both tables of ``python -m bench.savings``, line by line."""
    counted = load()
    printed = [*advice_table(counted, all_of(counted)), *gzip_table(counted.frames)]
    assert [line for line in printed if line not in LINES] == []


def test_the_page_has_what_is_predicted_of_a_million_connections() -> None:
    """Both tables of ``python -m bench.million``, line by line."""
    assert [line for line in (*million.bill_table(), *million.quota_table()) if line not in LINES] == []


def test_what_was_counted_is_w1s_hour() -> None:
    """600,000 deliveries and minutes, 6,000 calls; all of it within the limit of the hour."""
    counted = load()
    assert counted.hour["gateway-messages (posted)"] == pytest.approx(600_000)
    assert counted.hour["gateway-connection-minutes (connected)"] == pytest.approx(60 * CONNECTIONS)
    assert counted.hour["gateway-messages (received)"] == pytest.approx(6_000)
    before = {row.name: row.before for row in all_of(counted)}
    assert 0.04 < before["provisioned tables, even traffic"] < LIMIT


def test_a_batch_of_items_is_billed_by_its_items() -> None:
    """So it saves nothing."""
    counted = load()
    assert counted.single == counted.batch == 25


def test_frames_that_were_recorded_are_those_of_today() -> None:
    """But for what another build of zlib makes of them."""
    for now, kept in zip(frames(), load().frames, strict=True):
        assert (now.state, now.plain) == (kept.state, kept.plain)
        assert now.packed == pytest.approx(kept.packed, rel=0.1)


def test_gzip_spares_messages_only_beyond_32_kb() -> None:
    """One message before and one after, or fewer after."""
    small, large = Frame(1024, 1500, 700), Frame(60 * 1024, 80 * 1024, 24 * 1024)
    assert (small.plain_messages, small.packed_messages) == (1, 1)
    assert (large.plain_messages, large.packed_messages) == (3, 1)
    assert "| +0% |" in list(gzip_table([small]))[-1]
    assert "| -67% |" in list(gzip_table([large]))[-1]
