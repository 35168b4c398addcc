"""Delays for wrong tries: they grow, they end, they lock nobody out, and they cost bounded memory."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ErrorKind, ManualClock
from civiscope.security import ThrottleSettings, TooManyAttemptsError
from civiscope.security.throttle import Throttle, source_of

SECOND_US = 1_000_000
SETTINGS = ThrottleSettings(free_per_account=3, free_per_source=6, entries=50)


def tries_until_refused(throttle: Throttle, where: str, account: str) -> int:
    for count in range(1000):
        try:
            throttle.begin(where, account)
        except TooManyAttemptsError:
            return count
    return 1000


def test_a_delay_grows_to_its_limit_and_no_further() -> None:
    clock = ManualClock()
    throttle = Throttle(clock, SETTINGS)
    assert tries_until_refused(throttle, "192.0.2.1", "anna") == 3
    waits = []
    for _ in range(8):
        with pytest.raises(TooManyAttemptsError) as refused:
            throttle.begin("192.0.2.1", "anna")
        assert refused.value.kind is ErrorKind.EXHAUSTED
        waits.append(refused.value.retry_after_s)
        clock.advance(refused.value.retry_after_s * SECOND_US)
        throttle.begin("192.0.2.1", "anna")
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_refused_try_does_not_lengthen_the_wait() -> None:
    clock = ManualClock()
    throttle = Throttle(clock, SETTINGS)
    tries_until_refused(throttle, "192.0.2.1", "anna")
    for _ in range(1000):
        with pytest.raises(TooManyAttemptsError):
            throttle.begin("192.0.2.1", "anna")
    clock.advance(SECOND_US)
    throttle.begin("192.0.2.1", "anna")


def test_nobody_is_locked_out_from_another_address() -> None:
    throttle = Throttle(ManualClock(), SETTINGS)
    for host in range(200):
        tries_until_refused(throttle, f"198.51.100.{host}", "anna")
    throttle.begin("192.0.2.1", "anna")


def test_many_accounts_from_one_source_are_slowed_too() -> None:
    throttle = Throttle(ManualClock(), SETTINGS)
    for count in range(6):
        throttle.begin("192.0.2.1", f"user{count}")
    with pytest.raises(TooManyAttemptsError):
        throttle.begin("192.0.2.1", "user6")


def test_success_forgets() -> None:
    throttle = Throttle(ManualClock(), SETTINGS)
    assert not throttle.has_succeeded("192.0.2.1")
    for _ in range(100):
        throttle.begin("192.0.2.1", "anna")
        throttle.succeeded("192.0.2.1", "anna")
    assert throttle.has_succeeded("192.0.2.1")
    for host in range(60):
        throttle.succeeded(f"203.0.113.{host}", "never begun")
    assert not throttle.has_succeeded("203.0.113.0")
    assert throttle.has_succeeded("203.0.113.59")


def test_a_success_does_not_wash_away_guesses_at_other_accounts() -> None:
    """Somebody with an account of their own guesses at another one between sign-ins."""
    throttle = Throttle(ManualClock(), SETTINGS)
    for _ in range(3):
        throttle.begin("192.0.2.1", "victim")
        throttle.begin("192.0.2.1", "mallory")
        throttle.succeeded("192.0.2.1", "mallory")
    with pytest.raises(TooManyAttemptsError):
        throttle.begin("192.0.2.1", "victim")


def test_time_forgets() -> None:
    clock = ManualClock()
    throttle = Throttle(clock, SETTINGS)
    tries_until_refused(throttle, "192.0.2.1", "anna")
    clock.advance(901 * SECOND_US)
    assert tries_until_refused(throttle, "192.0.2.1", "anna") == 3


def test_a_step_of_the_wall_clock_changes_nothing() -> None:
    clock = ManualClock()
    throttle = Throttle(clock, SETTINGS)
    tries_until_refused(throttle, "192.0.2.1", "anna")
    clock.step_wall(10**15)
    with pytest.raises(TooManyAttemptsError):
        throttle.begin("192.0.2.1", "anna")


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.text(max_size=20)), max_size=300))
def test_memory_is_bounded(tries: list[tuple[int, str]]) -> None:
    throttle = Throttle(ManualClock(), SETTINGS)
    for address, account in tries:
        where = f"2001:db8:{address >> 16:x}:{address & 0xFFFF:x}::1"
        try:
            throttle.begin(where, account)
        except TooManyAttemptsError:
            continue
        throttle.succeeded(where, account)
        throttle.begin(where, account)
    assert len(throttle) <= SETTINGS.entries
    assert len(throttle._known) <= SETTINGS.entries


@pytest.mark.parametrize(
    ("where", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("terminal", "terminal"),
        ("x" * 500, "x" * 64),
        ("", ""),
    ],
)
def test_where_a_try_comes_from(where: str, source: str) -> None:
    assert source_of(where) == source


def test_the_error_survives_pickle() -> None:
    assert pickle.loads(pickle.dumps(TooManyAttemptsError(7))).retry_after_s == 7
