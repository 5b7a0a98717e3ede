"""The sandbox's clock by itself."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest

from sandbox.clock import HOLD_SECONDS, Clock


def play(work: Callable[[Clock], Coroutine[Any, Any, None]], *, hold_seconds: float = HOLD_SECONDS) -> None:
    """Run a coroutine on a clock of its own."""

    async def main() -> None:
        await work(Clock(hold_seconds))

    asyncio.run(main())


def minutes(start: float, times: Iterable[float]) -> list[int]:
    """Since the start: a little more than whole ones, as the clock goes on by itself, or less, by what floats lose."""
    return [int(time - start + 1) // 60 for time in times]


def test_what_falls_due_runs_in_order_each_at_its_own_time() -> None:
    """A timer sees the time it was set for, not the time to which the clock is turned."""

    async def work(clock: Clock) -> None:
        start, seen = clock.now(), list[tuple[str, int]]()
        for name, seconds in (("late", 300), ("early", 100), ("never", 10_000)):
            clock.call_at(start + seconds, lambda name=name: seen.append((name, round(clock.now() - start))))  # type: ignore[misc]
        clock.advance(7200)
        assert seen == [("early", 100), ("late", 300)]
        assert 7200 <= clock.now() - start < 7260

    play(work)


def test_a_timer_that_an_earlier_one_armed_falls_due_in_the_same_turn() -> None:
    """Nine-minute keep-alives fit thirteen times into two hours."""

    async def work(clock: Clock) -> None:
        rings: list[float] = []

        def ring() -> None:
            rings.append(clock.now())
            clock.call_at(clock.now() + 540, ring)

        clock.call_at(clock.now() + 540, ring)
        clock.advance(7200)
        assert len(rings) == 13
        assert {minutes(earlier, [later])[0] for earlier, later in itertools.pairwise(rings)} == {9}

    play(work)


def test_what_a_timer_woke_runs_before_time_goes_on() -> None:
    """A task that sleeps again and again on the clock misses none of its times."""

    async def work(clock: Clock) -> None:
        start, woken = clock.now(), list[float]()

        async def sleeper() -> None:
            while True:
                await clock.sleep(600)
                woken.append(clock.now())

        task = asyncio.create_task(sleeper())
        await clock.pass_time(3000)
        task.cancel()
        assert minutes(start, woken) == [10, 20, 30, 40, 50]

    play(work)


def test_time_waits_for_work_that_arms_the_next_timer() -> None:
    """An attempt that takes real time ends before the clock goes on to the time of a later one."""

    async def work(clock: Clock) -> None:
        start, attempts = clock.now(), list[float]()

        async def retry() -> None:
            while True:
                await clock.sleep(60)
                with clock.work():
                    attempts.append(clock.now())
                    await asyncio.sleep(0.01)

        task = asyncio.create_task(retry())
        await clock.pass_time(300)
        task.cancel()
        assert minutes(start, attempts) == [1, 2, 3, 4, 5]

    play(work)


def test_time_goes_on_past_work_that_waits_for_it() -> None:
    """Work that itself sleeps on the clock does not stop the clock for ever."""

    async def work(clock: Clock) -> None:
        async def wait() -> None:
            with clock.work():
                await clock.sleep(60)

        task = asyncio.create_task(wait())
        await clock.pass_time(120)
        await asyncio.wait_for(task, 20)

    play(work, hold_seconds=0.05)


def test_work_that_hangs_holds_time_once_and_new_work_still_does() -> None:
    """Beside something that has been waited for in vain, a later attempt gets the real time that it takes."""

    async def work(clock: Clock) -> None:
        ended: list[float] = []

        async def attempt() -> None:
            while True:
                await clock.sleep(60)
                with clock.work():
                    await asyncio.sleep(0.01)
                    ended.append(clock.now())

        with clock.work():  # for ever, as far as the clock can know
            await asyncio.sleep(0.3)
            start = clock.now()
            task = asyncio.create_task(attempt())
            await clock.pass_time(300)
        task.cancel()
        assert minutes(start, ended) == [1, 2, 3, 4, 5]

    play(work, hold_seconds=0.3)


def test_a_cancelled_timer_does_not_ring_however_many_there_are() -> None:
    """Thousands of cancelled timers leave the others in place."""

    async def work(clock: Clock) -> None:
        rung: list[int] = []
        timers = [clock.call_at(clock.now() + number, lambda n=number: rung.append(n)) for number in range(1, 3001)]  # type: ignore[misc]
        for timer in timers[:2995]:
            clock.cancel(timer)
        clock.advance(7200)
        assert rung == [2996, 2997, 2998, 2999, 3000]

    play(work)


def test_a_timer_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """The failure is told as any failure in the event loop is."""

    async def work(clock: Clock) -> None:
        rung = asyncio.Event()
        clock.call_at(clock.now() + 1, lambda: [][0])
        clock.call_at(clock.now() + 2, rung.set)
        clock.advance(5)
        assert rung.is_set()

    play(work)
    assert "IndexError" in caplog.text


def test_a_timer_rings_in_real_time_when_nobody_turns_the_clock() -> None:
    """Also the second of two, and one that was due already."""

    async def work(clock: Clock) -> None:
        first, second = asyncio.Event(), asyncio.Event()
        clock.call_at(clock.now() + 0.02, second.set)
        clock.call_at(clock.now() - 5, first.set)
        await asyncio.wait_for(first.wait(), 20)
        await asyncio.wait_for(second.wait(), 20)

    play(work)
