"""When a channel is recorded, as a value: always, in hours of the week, or when something happens."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from civiscope.base import AppError, ErrorKind
from civiscope.security import TimeProfile, WeeklySpan

ROLL_LIMIT_S = 60.0
"""Seconds before an event; they are held in the recorder's memory."""
POST_LIMIT_S = 600.0
_DAYS, _DAY_MINUTES, _SPANS_LIMIT = 7, 24 * 60, 50


class RecordMode(StrEnum):
    """When a stream is recorded by itself; a rule and a person can have it recorded at any time."""

    CONTINUOUS = "continuous"
    SCHEDULE = "schedule"
    """In hours of the week."""
    ON_EVENT = "on_event"
    """When something happens, with what was just before."""


@dataclass(frozen=True, slots=True)
class RecordingPolicy:
    """When one channel's main stream is recorded."""

    mode: RecordMode = RecordMode.CONTINUOUS
    hours: TimeProfile | None = None
    """Of SCHEDULE, by the site's clock on the wall."""
    pre_roll_s: float = 5.0
    post_roll_s: float = 20.0


ALWAYS = RecordingPolicy()


def check_policy(policy: RecordingPolicy) -> None:
    """INVALID unless it can be kept to."""
    if not 0 <= policy.pre_roll_s <= ROLL_LIMIT_S or not 1 <= policy.post_roll_s <= POST_LIMIT_S:
        raise AppError(
            ErrorKind.INVALID,
            f"Give 0 to {ROLL_LIMIT_S:g} seconds before, and 1 to {POST_LIMIT_S:g} seconds after an event.",
        )
    spans = () if policy.hours is None else policy.hours.spans
    if (policy.mode is RecordMode.SCHEDULE) != bool(spans) or len(spans) > _SPANS_LIMIT:
        raise AppError(
            ErrorKind.INVALID,
            f"Recording in hours of the week needs 1 to {_SPANS_LIMIT} spans of time; other modes have none.",
        )
    if not all(_fits(span) for span in spans):
        raise AppError(
            ErrorKind.INVALID,
            "A span has a weekday from 0 (Monday) to 6, and two different minutes of the day: from 0 to "
            "1439, to 0 to 1440. An end before the beginning is one of the next day.",
        )


def policy_value(policy: RecordingPolicy) -> dict[str, Any]:
    """As JSON that lies in a column, and travels."""
    hours = policy.hours
    spans = [] if hours is None else [[one.weekday, one.from_minute, one.to_minute] for one in hours.spans]
    return {
        "mode": policy.mode.value,
        "hours": None if hours is None else {"name": hours.name, "spans": spans},
        "pre_roll_s": float(policy.pre_roll_s),
        "post_roll_s": float(policy.post_roll_s),
    }


def policy_of(value: dict[str, Any]) -> RecordingPolicy:
    """The policy again; AppError, ValueError, LookupError or TypeError for anything else."""
    hours = value["hours"]
    spans = () if hours is None else tuple(WeeklySpan(*(int(one) for one in span)) for span in hours["spans"])
    policy = RecordingPolicy(
        RecordMode(value["mode"]),
        None if hours is None else TimeProfile(str(hours["name"]), spans),
        float(value["pre_roll_s"]),
        float(value["post_roll_s"]),
    )
    check_policy(policy)
    return policy


def policy_text(policy: RecordingPolicy) -> str | None:
    """For the column: None is continuous."""
    return None if policy == ALWAYS else json.dumps(policy_value(policy))


def read_policy(text: str | None) -> RecordingPolicy:
    """From the column; what cannot be read is recorded always."""
    if text is None:
        return ALWAYS
    try:
        return policy_of(json.loads(text))
    except (AppError, ValueError, LookupError, TypeError):
        return ALWAYS


def _fits(span: WeeklySpan) -> bool:
    days_fit = 0 <= span.weekday < _DAYS
    minutes_fit = 0 <= span.from_minute < _DAY_MINUTES and 0 <= span.to_minute <= _DAY_MINUTES
    return days_fit and minutes_fit and span.from_minute != span.to_minute
