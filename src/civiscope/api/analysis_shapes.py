"""Analytics as JSON: bodies that come in, answers that go out."""

import json
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from civiscope.analytics import (
    AnalystStatus,
    AnalyticDraft,
    AnalyticInfo,
    ChannelFigures,
    KeptAnalytic,
    ModelInfo,
    schedule_value,
)
from civiscope.api.people_shapes import ProfileBody
from civiscope.security import TimeProfile, WeeklySpan

_SETTINGS_LIMIT = 200
"""Fields of one analytic's settings."""


class AnalyticBody(BaseModel):
    """An analytic to look for; `settings` are checked by its plug-in."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    plugin: Annotated[str, Field(min_length=1, max_length=64)]
    name: Annotated[str, Field(max_length=200)]
    settings: Annotated[dict[str, Any], Field(max_length=_SETTINGS_LIMIT)]
    schedule: ProfileBody | None = None
    is_on: bool = True

    def draft(self) -> AnalyticDraft:
        """As the book takes it."""
        return AnalyticDraft(self.plugin, self.name, self.settings, _profile(self.schedule), self.is_on)


def _profile(body: ProfileBody | None) -> TimeProfile | None:
    if body is None:
        return None
    spans = tuple(WeeklySpan(one.weekday, one.from_minute, one.to_minute) for one in body.spans)
    return TimeProfile(body.name, spans)


def plugin_answer(info: AnalyticInfo) -> dict[str, object]:
    """One plug-in, with the form of its settings."""
    return {
        "name": info.name,
        "title": info.title,
        "infers": info.infers,
        "ai_class": info.ai_class,
        "kinds": list(info.kinds),
        "needs": {"classes": list(info.classes), "min_height_px": info.min_height_px},
        "state": info.state,
        "why": info.why,
        "settings_schema": json.loads(info.settings_schema),
    }


def analytic_answer(kept: KeptAnalytic, trouble: str) -> dict[str, object]:
    """One analytic of a channel; `trouble` is empty while it works."""
    draft = kept.draft
    return {
        "id": str(kept.id),
        "plugin": draft.plugin,
        "name": draft.name,
        "settings": dict(draft.settings),
        "schedule": None if draft.schedule is None else schedule_value(draft.schedule),
        "is_on": draft.is_on,
        "changed_us": kept.changed_us,
        "changed_by": kept.changed_by,
        "trouble": trouble,
    }


def troubles_of(status: AnalystStatus | None) -> dict[UUID, str]:
    """Analytic → why it is off, of those that are."""
    channels = () if status is None else status.channels
    return {one.analytic_id: one.trouble for channel in channels for one in channel.analytics if one.trouble}


def analysis_answer(status: AnalystStatus | None, *, is_fresh: bool) -> dict[str, object]:
    """Everything Health says of the analyst; empty lists while it never answered."""
    return {
        "detector": "" if status is None else status.detector,
        "is_fresh": is_fresh,
        "models": [] if status is None else [_model(one) for one in status.models],
        "channels": [] if status is None else [_channel(one) for one in status.channels],
    }


def detector_words(status: AnalystStatus | None, *, is_fresh: bool) -> str:
    """Which detector looks, for every screen."""
    if status is None or not is_fresh:
        return "The analyst does not answer: nothing is looked at now."
    if not status.detector:
        return "No detector is loaded: nothing is looked for now."
    model = next((one for one in status.models if one.name == status.detector), None)
    if model is None or model.is_verified:
        return f"The detector {status.detector} looks."
    return f"The detector {status.detector} looks. Nobody compared its file with the official one."


def _model(model: ModelInfo) -> dict[str, object]:
    return {
        "name": model.name,
        "task": model.task,
        "state": model.state,
        "is_verified": model.is_verified,
        "licence": model.licence,
        "input": model.input,
        "why": model.why,
        "card": model.card,
    }


def _channel(figures: ChannelFigures) -> dict[str, object]:
    return {
        "channel_id": str(figures.channel_id),
        "coverage": figures.coverage,
        "since_us": figures.since_us,
        "detail": figures.detail,
        "frames_per_s": round(figures.frames_per_s, 2),
        "moving_share": round(figures.moving_share, 3),
        "detections_per_s": round(figures.detections_per_s, 2),
        "cost_ms_per_s": round(figures.cost_ms_per_s, 2),
        "width_px": figures.width_px,
        "height_px": figures.height_px,
        "objects": figures.objects,
        "shed_frames": figures.shed_frames,
        "latency_ms": round(figures.latency_ms, 1),
        "analytics": [
            {"analytic_id": str(one.analytic_id), "trouble": one.trouble} for one in figures.analytics
        ],
    }
