"""How fast posts go out."""

from trebuche.adapters.pacing import BURST, CEILING, FLOOR, RECOVERY, Pacer


class Clock:
    """Moves by what the pacer asks to wait, and by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pacer = Pacer(lambda: self.now)

    def post(self) -> None:
        """Wait as long as the pacer says."""
        self.now += self.pacer.take()


def test_posts_keep_to_the_rate_after_a_burst() -> None:
    """Ten thousand of them take as long as the rate says, to within a step."""
    clock = Clock()
    for _ in range(10_000):
        clock.post()
    assert abs(clock.now - 100 - (10_000 - BURST) / CEILING) <= 0.06


def test_a_burst_goes_at_once() -> None:
    """A change with few subscribers is not held up."""
    clock = Clock()
    for _ in range(int(BURST)):
        clock.post()
    assert clock.now == 100.0


def test_a_throttled_environment_slows_down_and_recovers() -> None:
    """It halves its rate in each window with refusals, to a floor, and wins it back over seconds."""
    clock = Clock()
    rates = []
    for _ in range(10):
        for _ in range(8):
            clock.post()
            clock.pacer.throttled()
        clock.now += 0.125
        clock.post()
        rates.append(clock.pacer.rate)
    assert rates[:2] == [CEILING / 2, CEILING / 4]
    assert rates[-1] == FLOOR
    clock.now += 1
    clock.post()
    assert clock.pacer.rate == FLOOR + RECOVERY
    clock.now += 60
    clock.post()
    assert clock.pacer.rate == CEILING


def test_a_few_slow_readers_slow_nobody_down() -> None:
    """They are refused with the same answer as an account that is over its rate."""
    clock = Clock()
    for _ in range(50):
        clock.post()
    clock.pacer.throttled()
    clock.now += 0.125
    clock.post()
    assert clock.pacer.rate == CEILING


def test_a_slow_reader_slows_nobody_down_where_little_is_posted() -> None:
    """It is tried four times for a change, and may be the only one that there is."""
    clock = Clock()
    for _ in range(20):
        for _ in range(4):
            clock.post()
            clock.pacer.throttled()
        clock.now += 0.125
    assert clock.pacer.rate == CEILING
