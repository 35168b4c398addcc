"""Reaching people and foreign systems outside: webhook, mail, MQTT.

Facts in: none (commanded by rules and alarms). Facts out: `DeliveryFailed`.
Invariants: every message is delivered or its failure is on record; nothing is sent to where nobody
configured; no picture leaves here; a secret of a target is sealed.
"""

from civiscope.notify.facts import DeliveryFailed
from civiscope.notify.model import (
    Delivery,
    DeliveryId,
    DeliveryPage,
    DeliveryQuery,
    DeliveryState,
    Message,
    Priority,
    SettingsError,
    Target,
    TargetDraft,
    TargetId,
    TrialResult,
)
from civiscope.notify.notify import Notify
from civiscope.notify.plugin import NOTIFIER_ENTRY_POINTS, Notifier, NotifierPlugin, NotifierPorts
from civiscope.notify.plugins import NotifierInfo, NotifierPlugins
from civiscope.notify.settings import NotifySettings
from civiscope.notify.tables import migrate_notify

__all__ = [
    "Notify", "NotifySettings", "migrate_notify",
    "Delivery", "DeliveryId", "DeliveryPage", "DeliveryQuery", "DeliveryState", "Message", "Priority",
    "SettingsError", "Target", "TargetDraft", "TargetId", "TrialResult",
    "NOTIFIER_ENTRY_POINTS", "Notifier", "NotifierInfo", "NotifierPlugin",
    "NotifierPlugins", "NotifierPorts",
    "DeliveryFailed",
]  # fmt: skip
