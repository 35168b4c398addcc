"""A week in which an analytic is on, as text that travels and lies on the disk."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from civiscope.base import AppError, ErrorKind
from civiscope.security import TimeProfile, WeeklySpan

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def schedule_value(profile: TimeProfile) -> dict[str, Any]:
    """As JSON: name, and [weekday, from minute, to minute] for each span."""
    spans = [[span.weekday, span.from_minute, span.to_minute] for span in profile.spans]
    return {"name": profile.name, "spans": spans}


def schedule_of(value: Mapping[str, Any]) -> TimeProfile:
    """The profile again; AppError(INVALID) for anything else."""
    try:
        spans = tuple(WeeklySpan(*map(int, span)) for span in value["spans"])
        return TimeProfile(str(value["name"]), spans)
    except (KeyError, TypeError, ValueError) as error:
        raise AppError(ErrorKind.INVALID, f"This is no schedule: {error!r}. Set it again.") from None


def read_schedule(text: str) -> TimeProfile | None:
    """Of an `AnalyticOrder`; None: always on."""
    if not text:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise AppError(ErrorKind.INVALID, f"This is no schedule: {error}. Set it again.") from None
    return schedule_of(value)


def is_on_at(profile: TimeProfile | None, at_us: int, zone: tzinfo) -> bool:
    """True if a moment (UTC) is within the week, by the site's clock on the wall."""
    return profile is None or profile.holds((_EPOCH + timedelta(microseconds=at_us)).astimezone(zone))
