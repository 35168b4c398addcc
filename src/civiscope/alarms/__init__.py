"""What needs a person: one life, from raised to closed.

Facts in: none (commanded by rules and people).
Facts out: `AlarmRaised`, `AlarmChanged`, `AlarmUnacknowledged`.
Invariants: states change by the one table in `model`; history is only ever added to; repeats fold into an
open alarm; an alarm that nobody claims does not stay quiet.
"""

from civiscope.alarms.acts import Act
from civiscope.alarms.alarms import AlarmFaces, Alarms, may_handle, missing_alarm
from civiscope.alarms.facts import AlarmChanged, AlarmRaised, AlarmUnacknowledged
from civiscope.alarms.history import HistoryReport, HistoryRow
from civiscope.alarms.model import (
    Alarm,
    AlarmCounts,
    AlarmDraft,
    AlarmId,
    AlarmPage,
    AlarmQuery,
    AlarmSettings,
    AlarmState,
    Owner,
    Priority,
)
from civiscope.alarms.tables import migrate_alarms
from civiscope.alarms.watching import AlarmChanges

__all__ = [
    "Act", "Alarm", "AlarmChanges", "AlarmCounts", "AlarmDraft", "AlarmFaces", "AlarmId", "AlarmPage",
    "AlarmQuery", "AlarmSettings", "AlarmState", "Alarms", "Owner", "Priority", "may_handle",
    "missing_alarm",
    "AlarmChanged", "AlarmRaised", "AlarmUnacknowledged",
    "HistoryReport", "HistoryRow",
    "migrate_alarms",
]  # fmt: skip
