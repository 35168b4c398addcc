"""What waits is bounded, whole from a key unit on, and what is shed is counted to the unit."""

from hypothesis import given
from hypothesis import strategies as st

from civiscope.analytics.backlog import Backlog, BacklogLimits, RunEnd, RunTrack, WaitingUnit
from civiscope.base import new_id
from civiscope.media import AccessUnit, Codec, TrackConfig, UnitFlags

RUN = RunTrack(new_id(), TrackConfig(1, Codec.H264, 90_000))
LIMITS = BacklogLimits(wait_us=1_000_000, size_bytes=2_000)


def waiting(index: int, queued_us: int, *, key: bool = False, size: int = 100) -> WaitingUnit:
    flags = UnitFlags.KEY if key else UnitFlags.NONE
    unit = AccessUnit(1, index, index * 6000, index * 6000, queued_us, queued_us, flags, 0, bytes(size))
    return WaitingUnit(RUN, unit, index, queued_us)


def taken(backlog: Backlog) -> list[WaitingUnit | RunEnd]:
    found = []
    while (item := backlog.take()) is not None:
        found.append(item)
    return found


def test_after_a_second_everything_before_the_newest_key_unit_goes() -> None:
    backlog = Backlog(LIMITS)
    told = [backlog.add(waiting(at, at * 200_000, key=at in {0, 4})) for at in range(7)]
    assert [one.count if one else 0 for one in told] == [0, 0, 0, 0, 0, 0, 4]
    assert told[6] is not None
    assert told[6].from_us == 0
    assert [item.index for item in taken(backlog) if isinstance(item, WaitingUnit)] == [4, 5, 6]


def test_a_key_unit_that_waited_too_long_itself_is_kept_alone() -> None:
    backlog = Backlog(LIMITS)
    told = [backlog.add(waiting(at, at * 300_000, key=at == 0)) for at in range(6)]
    assert [one.count if one else 0 for one in told] == [0, 0, 0, 0, 4, 1]
    assert [item.index for item in taken(backlog) if isinstance(item, WaitingUnit)] == [0]
    assert backlog.add(waiting(6, 1_800_000, key=True)) is None


def test_the_end_of_a_run_is_never_shed() -> None:
    backlog = Backlog(LIMITS)
    backlog.add(waiting(0, 0, key=True))
    backlog.end_run(5)
    backlog.add(waiting(0, 3_000_000, key=True))
    assert [type(item) for item in taken(backlog)] == [RunEnd, WaitingUnit]


@given(
    st.lists(
        st.tuples(st.integers(0, 400_000), st.booleans(), st.integers(0, 900), st.sampled_from("utel")),
        max_size=60,
    )
)
def test_it_is_bounded_and_nothing_is_silent(steps: list[tuple[int, bool, int, str]]) -> None:
    backlog, now_us, shed, got, added = Backlog(LIMITS), 0, 0, 0, 0
    is_whole = False
    for at, (later_us, key, size, what) in enumerate(steps):
        now_us += later_us
        if what == "u":
            added += 1
            told = backlog.add(waiting(at, now_us, key=key, size=size))
            shed += told.count if told else 0
        elif what == "t":
            item = backlog.take()
            got += isinstance(item, WaitingUnit)
        elif what == "e":
            backlog.end_run(now_us)
        else:
            backlog.lose()
        units = [item for item in backlog._items if isinstance(item, WaitingUnit)]
        assert backlog.size_bytes == sum(len(item.unit.data) for item in units)
        assert backlog.size_bytes <= LIMITS.size_bytes or len(units) == 1
        is_whole = is_whole or not units
        assert added == shed + got + len(units)
