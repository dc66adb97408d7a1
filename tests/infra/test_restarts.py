"""How soon something is started again."""

from canonry.infra.restarts import Restarts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_ones_are_at_once_and_then_ever_more_slowly_up_to_a_minute() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    pauses = []
    for _ in range(12):
        waited = 0
        while not restarts.may("one"):
            clock.now += 1
            waited += 1
        restarts.begins("one")
        pauses.append(waited)
    assert pauses == [0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60, 60]


def test_one_that_has_stayed_up_begins_anew_and_others_do_not_wait() -> None:
    clock = Clock()
    restarts = Restarts(clock)
    for _ in range(6):
        restarts.begins("one")
    assert (restarts.may("one"), restarts.may("other")) == (False, True)
    clock.now += 100
    restarts.begins("one")
    assert restarts.may("one")


def test_what_is_gone_is_forgotten() -> None:
    restarts = Restarts(Clock())
    for name in ("one", "other"):
        for _ in range(5):
            restarts.begins(name)
    restarts.forget_all_but({"other"})
    assert (restarts.may("one"), restarts.may("other")) == (True, False)
    restarts.forget("other")
    assert restarts.may("other")
