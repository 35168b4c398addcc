"""A rule's draft as JSON text, as it lies in the table of versions."""

import json
from typing import Any
from uuid import UUID

from civiscope.base import ChannelId
from civiscope.events import EventSource
from civiscope.rules.model import ActionOrder, Conditions, EventPattern, Places, RuleDraft
from civiscope.security import TimeProfile, WeeklySpan


def to_json(draft: RuleDraft) -> str:
    """The same text for the same draft."""
    during = draft.during
    body = {
        "name": draft.name,
        "is_on": draft.is_on,
        "when": {
            "kinds": draft.when.kinds,
            "classes": draft.when.classes,
            "zones": draft.when.zones,
            "sources": [source.value for source in draft.when.sources],
        },
        "at": {
            "channels": sorted(str(channel) for channel in draft.at.channels),
            "groups": sorted(str(group) for group in draft.at.groups),
            "everywhere": draft.at.everywhere,
        },
        "during": None
        if during is None
        else {
            "name": during.name,
            "spans": [[span.weekday, span.from_minute, span.to_minute] for span in during.spans],
        },
        "conditions": {
            "min_score": draft.conditions.min_score,
            "min_lasting_s": draft.conditions.min_lasting_s,
            "direction": draft.conditions.direction,
        },
        "actions": [{"name": order.name, "settings": dict(order.settings)} for order in draft.actions],
        "rest_s": draft.rest_s,
    }
    return json.dumps(body, ensure_ascii=False, sort_keys=True)


def from_json(text: str) -> RuleDraft:
    """The draft again."""
    body: dict[str, Any] = json.loads(text)
    when, at, during, conditions = body["when"], body["at"], body["during"], body["conditions"]
    return RuleDraft(
        name=body["name"],
        when=EventPattern(
            tuple(when["kinds"]),
            tuple(when["classes"]),
            tuple(when["zones"]),
            tuple(EventSource(source) for source in when["sources"]),
        ),
        at=Places(
            frozenset(ChannelId(UUID(one)) for one in at["channels"]),
            frozenset(UUID(one) for one in at["groups"]),
            at["everywhere"],
        ),
        actions=tuple(ActionOrder(one["name"], one["settings"]) for one in body["actions"]),
        is_on=body["is_on"],
        during=None
        if during is None
        else TimeProfile(during["name"], tuple(WeeklySpan(*span) for span in during["spans"])),
        conditions=Conditions(conditions["min_score"], conditions["min_lasting_s"], conditions["direction"]),
        rest_s=body["rest_s"],
    )
