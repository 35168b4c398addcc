"""Spans with a reason: exact, never two at once, never more than a few changes a second."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from civiscope.analytics import CoverageChanged
from civiscope.analytics.coverage import CALM_US, Coverage, CoverageBook
from civiscope.base import ChannelId, new_id

PIER = ChannelId(new_id())


def told(notes: list[tuple[Coverage, int]]) -> list[tuple[str, int]]:
    said: list[CoverageChanged] = []
    book = CoverageBook(said.append)
    for reason, at_us in notes:
        book.note(PIER, reason, at_us)
    return [(one.reason, one.at_us) for one in said]


def test_each_change_is_said_once_with_its_moment() -> None:
    assert told(
        [
            (Coverage.OUR_RESTART, 5),
            (Coverage.ANALYSED, 10),
            (Coverage.ANALYSED, 20),
            (Coverage.NO_STREAM, 30),
            (Coverage.ANALYSED, 40),
        ]
    ) == [("our_restart", 5), ("analysed", 10), ("no_stream", 30), ("analysed", 40)]


def test_a_short_recovery_belongs_to_the_shed_span() -> None:
    notes = [(Coverage.ANALYSED, 0), (Coverage.SHED, 1_000_000), (Coverage.ANALYSED, 1_100_000)]
    notes += [(Coverage.SHED, 1_150_000), (Coverage.ANALYSED, 1_200_000), (Coverage.ANALYSED, 1_500_000)]
    assert told(notes) == [("analysed", 0), ("shed", 1_000_000), ("analysed", 1_200_000)]


def test_frames_that_waited_before_a_shed_change_nothing_after_it() -> None:
    notes = [(Coverage.ANALYSED, 0), (Coverage.SHED, 500_000), (Coverage.ANALYSED, 400_000)]
    assert told(notes) == [("analysed", 0), ("shed", 500_000)]


def test_a_channel_that_is_not_asked_for_ends_with_a_reason() -> None:
    said: list[CoverageChanged] = []
    book = CoverageBook(said.append)
    book.note(PIER, Coverage.ANALYSED, 0)
    book.forget(PIER, 9, "taken off the plan")
    assert said[-1] == CoverageChanged(PIER, 9, "switched_off", "taken off the plan")
    assert book.of(PIER) is None


@given(
    st.lists(st.tuples(st.sampled_from(list(Coverage)), st.integers(0, 100_000)), min_size=1, max_size=200)
)
def test_spans_are_in_order_and_short_recoveries_do_not_flap(steps: list[tuple[Coverage, int]]) -> None:
    at_us, notes = 0, []
    for reason, later_us in steps:
        at_us += later_us
        notes.append((reason, at_us))
    said = told(notes)
    assert [at for _, at in said] == sorted(at for _, at in said)
    for (one, began), (other, ended) in itertools.pairwise(said):
        assert one != other
        if one == "analysed" and other in {"shed", "undecodable"}:
            before = [reason for reason, at in said if at < began]
            assert not before or before[-1] not in {"shed", "undecodable"} or ended - began >= CALM_US
