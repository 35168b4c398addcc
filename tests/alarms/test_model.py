"""Pure rules of alarms: transitions by the one table, folding, and a history that shows each change to it."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alarms.world import NOW_US, draft

from civiscope.alarms import Alarm, AlarmId, AlarmState, HistoryRow, Owner, Priority
from civiscope.alarms.acts import Decision, claimed, closed, forwarded, noted, parked
from civiscope.alarms.history import FIRST_LINK, check_links, link_of
from civiscope.alarms.model import ESCALATIONS_MOST, FOLD_US, TRANSITIONS
from civiscope.alarms.raising import folded, raised
from civiscope.base import AppError, PrincipalId, new_id

ANNA, BEN = (Owner(PrincipalId(new_id()), name) for name in ("Anna", "Ben"))
ACTS = {
    "claim": lambda alarm: claimed(alarm, ANNA),
    "take": lambda alarm: claimed(alarm, BEN),
    "forward": lambda alarm: forwarded(alarm, BEN),
    "park": lambda alarm: parked(alarm, ANNA, NOW_US + 5, NOW_US),
    "close": lambda alarm: closed(alarm, "done"),
    "note": lambda alarm: noted(alarm, "hm"),
}


def decided(name: str, alarm: Alarm) -> Decision | None:
    """None where the table has no way."""
    with suppress(AppError):
        return ACTS[name](alarm)
    return None


def test_the_table_of_transitions_is_as_written() -> None:
    new, held, aside, over = AlarmState
    assert {
        new: {held, aside, over}, held: {held, aside, over}, aside: {held, over, new}, over: frozenset(),
    } == TRANSITIONS  # fmt: skip


@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=12))
def test_no_sequence_of_acts_leaves_the_table(names: list[str]) -> None:
    alarm = raised(draft(), NOW_US)
    for name in names:
        before = alarm
        decision = decided(name, alarm)
        if decision is None:
            continue
        alarm = decision.alarm
        if name == "note":
            assert alarm == before
            continue
        assert alarm.state in TRANSITIONS[before.state]
        if before.state is alarm.state is AlarmState.CLAIMED:
            assert alarm.owner != before.owner
        assert (alarm.owner is not None) or alarm.state in {AlarmState.NEW, AlarmState.CLOSED}
        assert (alarm.parked_until_us is not None) == (alarm.state is AlarmState.PARKED)
        assert bool(alarm.close_reason) == (alarm.state is AlarmState.CLOSED)


@given(st.lists(st.integers(-2 * FOLD_US, 2 * FOLD_US), max_size=20))
def test_folding_counts_and_only_moves_the_borders_apart(offsets: list[int]) -> None:
    alarm, count = raised(draft(), NOW_US), 1
    for offset in offsets:
        repeat = draft(NOW_US + offset)
        if not alarm.takes(repeat):
            assert abs(repeat.at_us - alarm.last_us) > FOLD_US
            continue
        before, alarm, count = alarm, folded(alarm, repeat), count + 1
        assert alarm.raised_us <= before.raised_us <= before.last_us <= alarm.last_us
        assert (alarm.count, alarm.version, alarm.state) == (count, before.version, before.state)


@given(st.sampled_from(list(AlarmState)), st.integers(0, 4), st.integers(0, 10**9))
def test_only_what_is_new_is_told_again(state: AlarmState, escalations: int, after_us: int) -> None:
    alarm = replace(raised(draft(), NOW_US), state=state, escalations=escalations)
    is_due = state is AlarmState.NEW and escalations < ESCALATIONS_MOST
    assert alarm.escalates_us(after_us) == (NOW_US + after_us if is_due else None)


def test_a_priority_goes_up_to_the_highest() -> None:
    assert [one.raised for one in Priority] == [
        Priority.NORMAL, Priority.HIGH, Priority.CRITICAL, Priority.CRITICAL,
    ]  # fmt: skip


texts = st.text(max_size=20)
contents = st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts, max_size=3)
history_rows = st.builds(
    HistoryRow,
    sequence=st.just(0),
    alarm_id=st.builds(lambda: AlarmId(new_id())),
    at_us=st.integers(0, 2**53),
    who_id=st.none() | st.builds(lambda: PrincipalId(new_id())),
    who=texts, what=texts, note=texts, before=contents, after=contents,
)  # fmt: skip


def chained(rows: list[HistoryRow]) -> list[tuple[HistoryRow, bytes]]:
    found, link = [], FIRST_LINK
    for sequence, row in enumerate(rows, start=1):
        placed = replace(row, sequence=sequence)
        link = link_of(link, placed)
        found.append((placed, link))
    return found


@given(st.lists(history_rows, max_size=6))
def test_a_history_as_written_holds(rows: list[HistoryRow]) -> None:
    assert check_links(chained(rows), 0, FIRST_LINK)[0] is None


@given(st.lists(history_rows, min_size=1, max_size=6), st.data())
def test_every_change_to_it_shows(rows: list[HistoryRow], data: st.DataObject) -> None:
    chain = chained(rows)
    place = data.draw(st.integers(0, len(chain) - 1))
    row, link = chain[place]
    how = data.draw(
        st.sampled_from(["note", "who", "what", "at_us", "before", "after", "moved", "link", "removed"])
    )
    if how == "removed":
        if place == len(chain) - 1:
            return  # a cut-off end is what the audit's copy of the link is for
        del chain[place]
    elif how == "link":
        chain[place] = (row, bytes([link[0] ^ 1]) + link[1:])
    else:
        changed = {
            "note": replace(row, note=row.note + "!"),
            "who": replace(row, who=row.who + "x", what=row.what),
            "what": replace(row, who=row.who[:-1], what=row.who[-1:] + row.what + "~"),
            "at_us": replace(row, at_us=row.at_us + 1),
            "before": replace(row, before={**row.before, "zzz": 1}),
            "after": replace(row, before={}, after={**row.before, **row.after, "yyy": 2}),
            "moved": replace(row, sequence=row.sequence + 1),
        }[how]
        chain[place] = (changed, link)
    assert check_links(chain, 0, FIRST_LINK)[0] == place + 1


@pytest.mark.parametrize("state", list(AlarmState))
def test_a_woken_alarm_is_the_only_way_back(state: AlarmState) -> None:
    assert (AlarmState.NEW in TRANSITIONS[state]) == (state is AlarmState.PARKED)


def test_a_repeat_elsewhere_is_another_alarm() -> None:
    alarm: Alarm = raised(draft(), NOW_US)
    assert alarm.takes(draft())
    assert not alarm.takes(draft(zone="elsewhere"))
    assert not replace(alarm, state=AlarmState.CLOSED).takes(draft())
