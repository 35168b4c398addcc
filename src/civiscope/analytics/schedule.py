"""A week in which an analytic is on, as JSON that travels and lies on the disk."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from civiscope.base import AppError, ErrorKind
from civiscope.security import TimeProfile, WeeklySpan

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def schedule_value(profile: TimeProfile) -> dict[str, Any]:
    """As JSON, in the shape of the calls."""
    spans = [
        {"weekday": span.weekday, "from_minute": span.from_minute, "to_minute": span.to_minute}
        for span in profile.spans
    ]
    return {"name": profile.name, "spans": spans}


def schedule_of(value: Mapping[str, Any]) -> TimeProfile:
    """The profile again; AppError(INVALID) for anything else."""
    try:
        spans = tuple(
            WeeklySpan(int(span["weekday"]), int(span["from_minute"]), int(span["to_minute"]))
            for span in value["spans"]
        )
        return TimeProfile(str(value["name"]), spans)
    except (KeyError, TypeError, ValueError) as error:
        raise AppError(ErrorKind.INVALID, f"This is no schedule: {error!r}. Set it again.") from None


def is_on_at(profile: TimeProfile | None, at_us: int, zone: tzinfo) -> bool:
    """True if a moment (UTC) is within the week, by the site's clock on the wall."""
    return profile is None or profile.holds((_EPOCH + timedelta(microseconds=at_us)).astimezone(zone))
