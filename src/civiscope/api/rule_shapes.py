"""Rules as they come in and go out; what is unknown is refused."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from civiscope.api.people_answers import profile_answer
from civiscope.api.people_shapes import ProfileBody
from civiscope.api.shapes import TimeUs
from civiscope.base import ChannelId
from civiscope.events import EventSource
from civiscope.rules import (
    ActionInfo,
    ActionOrder,
    Conditions,
    DryRun,
    EventPattern,
    Places,
    Rule,
    RuleDraft,
)
from civiscope.security import TimeProfile, WeeklySpan

_Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=120)]], Field(max_length=64)]
_Id = Annotated[UUID, Field(strict=False)]
_Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PatternBody(_Shape):
    """When: empty filters take everything."""

    kinds: _Words = []
    classes: _Words = []
    zones: _Words = []
    sources: Annotated[list[Annotated[EventSource, Field(strict=False)]], Field(max_length=8)] = []


class PlacesBody(_Shape):
    """At: cameras, groups, or everywhere."""

    channels: Annotated[list[_Id], Field(max_length=1_000)] = []
    groups: Annotated[list[_Id], Field(max_length=1_000)] = []
    everywhere: bool = False


class ConditionsBody(_Shape):
    """If: each that is given must hold."""

    min_score: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    min_lasting_s: _Seconds = 0.0
    direction: Annotated[str, Field(max_length=32)] = ""


class ActionBody(_Shape):
    """Do: an action with its settings."""

    name: Annotated[str, Field(max_length=32)]
    settings: dict[str, Any] = {}


class RuleBody(_Shape):
    """A whole rule."""

    name: Annotated[str, Field(max_length=200)]
    is_on: bool = True
    when: PatternBody = PatternBody()
    at: PlacesBody
    during: ProfileBody | None = None
    conditions: ConditionsBody = ConditionsBody()
    actions: Annotated[list[ActionBody], Field(max_length=16)]
    rest_s: _Seconds = 0.0

    def draft(self) -> RuleDraft:
        """As the book takes it."""
        when, at, during = self.when, self.at, self.during
        return RuleDraft(
            name=self.name,
            when=EventPattern(tuple(when.kinds), tuple(when.classes), tuple(when.zones), tuple(when.sources)),
            at=Places(frozenset(ChannelId(one) for one in at.channels), frozenset(at.groups), at.everywhere),
            actions=tuple(ActionOrder(one.name, one.settings) for one in self.actions),
            is_on=self.is_on,
            during=None
            if during is None
            else TimeProfile(
                during.name,
                tuple(WeeklySpan(one.weekday, one.from_minute, one.to_minute) for one in during.spans),
            ),
            conditions=Conditions(**self.conditions.model_dump()),
            rest_s=self.rest_s,
        )


class DryRunBody(_Shape):
    """A rule to try on what is kept of a time."""

    rule: RuleBody
    from_us: TimeUs
    to_us: TimeUs


def rule_shape(rule: Rule, trouble: str) -> dict[str, object]:
    """One rule as it stands."""
    draft = rule.draft
    return {
        "id": str(rule.id),
        "name": draft.name,
        "is_on": draft.is_on,
        "when": {
            "kinds": list(draft.when.kinds),
            "classes": list(draft.when.classes),
            "zones": list(draft.when.zones),
            "sources": [source.value for source in draft.when.sources],
        },
        "at": {
            "channels": sorted(str(one) for one in draft.at.channels),
            "groups": sorted(str(one) for one in draft.at.groups),
            "everywhere": draft.at.everywhere,
        },
        "during": None if draft.during is None else profile_answer(draft.during),
        "conditions": {
            "min_score": draft.conditions.min_score,
            "min_lasting_s": draft.conditions.min_lasting_s,
            "direction": draft.conditions.direction,
        },
        "actions": [{"name": one.name, "settings": dict(one.settings)} for one in draft.actions],
        "rest_s": draft.rest_s,
        "version": rule.version,
        "changed_us": rule.changed_us,
        "changed_by": rule.changed_by,
        "trouble": trouble,
    }


def dry_run_shape(run: DryRun) -> dict[str, object]:
    """What a rule would have done."""
    return {
        "fired": run.fired,
        "at": [
            {
                "event_id": str(one.event_id),
                "at_us": one.at_us,
                "channel_id": None if one.channel_id is None else str(one.channel_id),
            }
            for one in run.at
        ],
        "truncated": run.truncated,
    }


def action_shape(info: ActionInfo) -> dict[str, object]:
    """One action of the shelf."""
    return {
        "name": info.name,
        "title": info.title,
        "settings_schema": info.settings_schema,
        "state": info.state,
        "why": info.why,
    }
