"""When this, at these places, in this schedule, if that: do these.

Facts in: events, handed over by `app`. Facts out: none (it commands alarms, notify and evidence).
Invariants: a rule fires once per event; every firing is written down; an action that fails does not stop
the others; automatic commands are permitted and audited like a person's.
"""

from civiscope.rules.book import RuleBook, RuleFaces
from civiscope.rules.defaults import FIRST_RULE
from civiscope.rules.dry import DryRun
from civiscope.rules.model import (
    ActionOrder,
    Conditions,
    DryFiring,
    EventPattern,
    Firing,
    FiringId,
    Places,
    Rule,
    RuleDraft,
    RuleError,
    RuleId,
)
from civiscope.rules.plugin import ACTION_ENTRY_POINTS, ActionPlugin, Fired
from civiscope.rules.ports import (
    ActionPorts,
    AlarmDesk,
    BookmarkOrder,
    EvidenceDesk,
    HoldOrder,
    Notice,
    Notifier,
    RecordingDesk,
    RecordOrder,
)
from civiscope.rules.shelf import OUR_ACTIONS, ActionInfo, ActionShelf
from civiscope.rules.tables import migrate_rules

__all__ = [
    "ActionOrder", "Conditions", "DryFiring", "DryRun", "EventPattern", "FIRST_RULE", "Firing", "FiringId",
    "Places", "Rule", "RuleBook", "RuleDraft", "RuleError", "RuleFaces", "RuleId",
    "ACTION_ENTRY_POINTS", "ActionInfo", "ActionPlugin", "ActionShelf", "Fired", "OUR_ACTIONS",
    "ActionPorts", "AlarmDesk", "BookmarkOrder", "EvidenceDesk", "HoldOrder", "Notice", "Notifier",
    "RecordOrder", "RecordingDesk",
    "migrate_rules",
]  # fmt: skip
