"""What is special about counting in this process: its memory stays bounded, and the machine's clock may jump."""

from canonry.adapters.rates.memory import MemoryRates


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_windows_that_are_over_make_room() -> None:
    clock = Clock()
    rates = MemoryRates(clock, most=10)
    for number in range(10):
        rates.hit(f"caller {number}", 60)
    clock.now += 61
    rates.hit("one more", 60)
    assert list(rates._windows) == ["one more"]


def test_an_attacker_with_many_addresses_does_not_fill_the_memory() -> None:
    clock = Clock()
    rates = MemoryRates(clock, most=10)
    for number in range(1000):
        clock.now += 0.001
        rates.hit(f"caller {number}", 60)
    assert len(rates._windows) <= 10
    assert rates.hit("caller 999", 60).used == 2


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    clock = Clock()
    rates = MemoryRates(clock)
    for _ in range(5):
        rates.hit("ada", 60)
    clock.now -= 3600
    assert (rates.hit("ada", 60).used, rates.hit("ada", 60).resets_at) == (1, clock.now + 60)
