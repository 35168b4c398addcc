"""An alarm as a rule raises it, and a repeat as it counts in an open one. Pure."""

from dataclasses import replace

from civiscope.alarms.history import HistoryRow
from civiscope.alarms.model import (
    PROCEDURE_LIMIT,
    TITLE_LIMIT,
    Alarm,
    AlarmDraft,
    AlarmId,
    AlarmState,
)
from civiscope.base import new_id


def raised(draft: AlarmDraft, now_us: int) -> Alarm:
    """A new alarm, which nobody has seen."""
    return Alarm(
        id=AlarmId(new_id()), rule_id=draft.rule_id, rule_name=draft.rule_name[:TITLE_LIMIT],
        title=draft.title[:TITLE_LIMIT], channel_id=draft.channel_id, event_id=draft.event_id,
        kind=draft.kind, object_class=draft.object_class, zone=draft.zone, priority=draft.priority,
        state=AlarmState.NEW, owner=None, raised_us=draft.at_us, last_us=draft.at_us, count=1,
        parked_until_us=None, close_reason="", procedure=draft.procedure[:PROCEDURE_LIMIT], escalations=0,
        has_picture=draft.has_picture, version=1, waits_since_us=now_us,
    )  # fmt: skip


def folded(alarm: Alarm, draft: AlarmDraft) -> Alarm:
    """The same with the repeat counted; its version stays, so that nobody's claim is stale by it."""
    return replace(
        alarm,
        count=alarm.count + 1,
        last_us=max(alarm.last_us, draft.at_us),
        raised_us=min(alarm.raised_us, draft.at_us),
    )


def row_of_raise(alarm: Alarm, now_us: int) -> HistoryRow:
    """The first row of its history."""
    after = {"state": alarm.state.value, "priority": alarm.priority.value, "event_id": str(alarm.event_id)}
    return HistoryRow(0, alarm.id, now_us, None, _rule(alarm), "raised", "", {}, after)


def row_of_fold(before: Alarm, alarm: Alarm, draft: AlarmDraft, now_us: int) -> HistoryRow:
    """The row that says that it happened again."""
    after = {"count": alarm.count, "event_id": str(draft.event_id)}
    return HistoryRow(0, alarm.id, now_us, None, _rule(alarm), "folded", "", {"count": before.count}, after)


def _rule(alarm: Alarm) -> str:
    return f"rule {alarm.rule_name}"
