"""What a seed means: the plan that is drawn from it."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

from trebuche_testing import plan as plans
from trebuche_testing.aims import draw_fault
from trebuche_testing.plan import Act, Plan
from trebuche_testing.specification import Specification

LEAST_CALLS: Final = 12
_SHORT_MS: Final = 400
_AT_ONCE_MS: Final = 15
_DAY_MS: Final = 24 * 3_600_000
_CUTS: Final = {plans.CUT: 4, plans.CUT_UNTOLD: 2, plans.CUT_CLIENT_LATE: 2, plans.CUT_GATEWAY_LATE: 2}
_STREAM: Final = {plans.LAG: 1, plans.REPEAT: 2, plans.OVERLAP: 2}
_OTHERS: Final = {plans.SLOW: 3, plans.JUMP: 1, plans.SLEEP: 1, plans.DELETE: 2, plans.DEPLOY: 3}
_EVENTS: Final = tuple(kind for kind, weight in (_CUTS | _STREAM | _OTHERS).items() for _ in range(weight))
"""As often as they are to be drawn."""
_LONGEST_MS: Final = {
    plans.JUMP: (40_000,),
    plans.SLOW: (2_500, 12_000),
    plans.SLEEP: (_DAY_MS // 2, _DAY_MS, 3 * _DAY_MS),
}
_SETTLED_MS: Final = 6_000
"""After that all is said about a socket that broke and the one after it."""
_SOON_MS: Final = 1_500
_WINDOWS_MS: Final = (30, 250)
_COLD: Final = (0.05, 0.15, 0.5)
_POLL_MS: Final = (0, 0, 100)
_DRAG: Final = (0.0, 0.0, 0.02, 0.2)


def draw(seed: int, specification: Specification) -> Plan:
    """The plan of a seed: at least three clients, two actors, twelve calls and two disturbances."""
    return _Draw(Random(seed), specification).plan(seed)


class _Draw:
    """The order of the draws is what a seed means: one more in between, and every seed has another plan."""

    def __init__(self, random: Random, specification: Specification) -> None:
        self._random = random
        self._specification = specification
        self._clients = 3 + int(random.random() * 2)
        self._length_ms = random.choice((40, 150, 400))
        self._hot = random.choice((0.5, 0.5, 0.85))
        """Share of everything that is about the first actor."""

    def plan(self, seed: int) -> Plan:
        """All of it."""
        random, clients = self._random, range(self._clients)
        events = [self._event() for _ in range(2 + int(random.random() * 2))]
        again = [
            self._once_more(event) for event in events if event.kind in (*_CUTS, plans.SLEEP) and random.random() < 0.5
        ]
        calls = [self._call(self._length_ms) for _ in range(LEAST_CALLS + int(random.random() * 3))]
        aftermath = [act for event in events for act in self._after(event)]
        aftermath += [act for event in again for act in self._calls_after(event, _SETTLED_MS)]
        kinds = [event.kind for event in events]
        faults = [draw_fault(random, kinds) for _ in range(1 + int(random.random() * 4))]
        return Plan(
            seed=seed,
            swift=tuple(random.random() < 0.25 for _ in clients),
            direct=tuple(random.random() < 0.6 for _ in clients),
            young_ms=tuple(random.choice((0, 0, 150, 450, 600)) for _ in clients),
            skew_ms=random.choice((0, 0, 30, 2_000, 2_000)),
            cold=random.choice(_COLD),
            poll_ms=random.choice(_POLL_MS),
            drag=random.choice(_DRAG),
            actors=2,
            shards=1 + int(random.random() * 2),
            acts=_in_order(*calls, *self._streams(), *self._goodbye(), *aftermath),
            events=_in_order(*events, *again),
            faults=tuple(faults),
        )

    def _time(self, within_ms: int) -> int:
        return int(self._random.random() * within_ms)

    def _client(self) -> int:
        return self._time(self._clients)

    def _actor(self) -> int:
        return int(self._random.random() >= self._hot)

    def _call(self, within_ms: int) -> Act:
        method, arguments = self._specification.draw(self._random)
        again_ms = 1 + self._time(60) if self._random.random() < 0.15 else 0
        at_ms, client, actor = self._time(within_ms), self._client(), self._actor()
        return Act(at_ms, plans.CALL, client, actor, method=method, arguments=arguments, amount=again_ms)

    def _call_after(self, event: Act, within_ms: int, actor: int) -> Act:
        """A call of somebody else's, some time after something happened to a client."""
        call = self._call(within_ms)
        others = [client for client in range(self._clients) if client != event.client]
        return replace(call, at_ms=event.at_ms + call.at_ms, actor=actor, client=self._random.choice(others))

    def _calls_after(self, event: Act, within_ms: int) -> Iterator[Act]:
        return (self._call_after(event, within_ms, actor) for actor in (0, 1))

    def _observe(self, within_ms: int) -> Act:
        return Act(self._time(within_ms), plans.OBSERVE, self._client(), self._actor(), amount=self._time(600))

    def _streams(self) -> Iterator[Act]:
        """Every third schedule has streams of latest values, all of them or some."""
        windowed = self._random.choice((0.0, 0.0, 0.0, 0.0, 0.5, 1.0))
        for _ in range(2 + int(self._random.random() * 3)):
            stream = self._observe(self._length_ms // 2)
            if self._random.random() < windowed:
                stream = replace(stream, window_ms=self._random.choice(_WINDOWS_MS))
            yield stream

    def _goodbye(self) -> Iterator[Act]:
        """Somebody has seen enough, and others go on."""
        if self._random.random() < 0.25:
            goodbye = Act(self._time(_SOON_MS), plans.UNSUBSCRIBE, self._client())
            yield goodbye
            yield from self._calls_after(goodbye, _SOON_MS)

    def _event(self) -> Act:
        kind = self._random.choice(_EVENTS)
        # Nobody falls asleep over what it still wants to say.
        at_ms = self._time(2 * self._length_ms) + (_SETTLED_MS // 2 if kind == plans.SLEEP else 0)
        longest_ms = self._random.choice(_LONGEST_MS.get(kind, (_SHORT_MS,)))
        return Act(at_ms, kind, self._client(), self._actor(), amount=self._time(longest_ms))

    def _once_more(self, event: Act) -> Act:
        """The next socket breaks as well, perhaps before all is handled that came on the first one."""
        asleep_ms = event.amount if event.kind == plans.SLEEP else 0
        at_ms = event.at_ms + asleep_ms + self._time(_SOON_MS)
        return replace(event, at_ms=at_ms, kind=plans.CUT, amount=self._time(_SHORT_MS))

    def _after(self, event: Act) -> Iterator[Act]:
        """What shows whether something has done harm."""
        match event.kind:
            case plans.SLEEP:
                yield self._call_after(event, event.amount, event.actor)
            case plans.SLOW:
                # Some that its client cannot be told of, and some before a worker has brought it those.
                actor = self._actor()
                for begin_ms, within_ms in ((0, event.amount), (0, event.amount), *((event.amount, _SOON_MS),) * 2):
                    call = self._call_after(event, within_ms, actor)
                    yield replace(call, at_ms=call.at_ms + begin_ms)
            case plans.DELETE:
                # Whoever watches now must see neither what was deleted nor the end of what comes after it.
                for within_ms in (_AT_ONCE_MS, _AT_ONCE_MS, _SOON_MS):
                    watcher = self._observe(within_ms)
                    yield replace(watcher, at_ms=event.at_ms + watcher.at_ms, actor=event.actor)
                if self._random.random() < 0.5:
                    yield self._call_after(event, _SOON_MS, event.actor)
            case plans.DEPLOY:
                yield self._call_after(event, _SOON_MS, event.actor)


def _in_order(*acts: Act) -> tuple[Act, ...]:
    return tuple(sorted(acts, key=lambda act: act.at_ms))
