"""How much of each month was recorded of what should have been: for the page, and as a table to take away."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from civiscope.api.audit_shapes import csv_line
from civiscope.api.calls import Call
from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of
from civiscope.base import AppError, ErrorKind, Span
from civiscope.devices import Camera
from civiscope.recording import Availability, ReasonSum, month_span
from civiscope.security import Permission, Principal, channels_with

_Month = Annotated[str, Query(pattern="^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])$")]
_COLUMNS = (
    "month", "channel_id", "camera", "share", "due_s", "recorded_s", "missing_s", "missing_by_reason",
    "not_due_by_reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Row:
    camera: Camera
    found: Availability


class AvailabilityCalls:
    """Handlers of `/availability`."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def calls(self) -> list[Call]:
        """The rows of the table."""
        known = Permission.CHANNEL_LIST
        return [
            Call("GET", "/availability", known, self.availability, scoped=True),
            Call("GET", "/availability/export", known, self.export_availability, raw=True, scoped=True),
        ]

    async def availability(self, request: Request, month: _Month) -> dict[str, object]:
        """Each camera the visitor may know of: recorded, due, and what was missing by reason."""
        span = self._span(month)
        return {
            "month": month,
            "from_us": span.start_us,
            "to_us": span.end_us,
            "now_us": self._faces.clock.now_us(),
            "channels": [_shape(row) for row in await self._rows(visitor_of(request).principal, span)],
        }

    async def export_availability(self, request: Request, month: _Month) -> Response:
        """The same as a table (CSV, times in seconds)."""
        rows = await self._rows(visitor_of(request).principal, self._span(month))
        text = "\ufeff" + csv_line(_COLUMNS) + "".join(csv_line(_cells(month, row)) for row in rows)
        name = f"availability-{month}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    def _span(self, month: str) -> Span:
        span = month_span(month, self._faces.site.zone)
        if span.start_us > self._faces.clock.now_us():
            raise AppError(ErrorKind.INVALID, "This month has not begun. Ask for this one or an earlier one.")
        return span

    async def _rows(self, principal: Principal, span: Span) -> list[_Row]:
        """Cameras by name; of removed ones those of which something was due then."""
        seen = channels_with(principal, Permission.CHANNEL_LIST)
        devices = self._faces.devices
        there = await devices.cameras()
        gone = await devices.cameras(removed=True)
        cameras = [one for one in (*there, *gone) if seen is None or one.channel_id in seen]
        found = await asyncio.to_thread(self._found, cameras, span)
        rows = [_Row(one, availability) for one, availability in zip(cameras, found, strict=True)]
        kept = [row for row in rows if row.camera.removed_us is None or row.found.due_us]
        return sorted(kept, key=lambda row: (row.camera.name, str(row.camera.channel_id)))

    def _found(self, cameras: Sequence[Camera], span: Span) -> list[Availability]:
        timelines = self._faces.timelines
        return [timelines.availability(camera.main.id, span) for camera in cameras]


def _shape(row: _Row) -> dict[str, object]:
    found = row.found
    return {
        "id": str(row.camera.channel_id),
        "name": row.camera.name,
        "share": found.share,
        "due_us": found.due_us,
        "recorded_us": found.recorded_us,
        "missing": [_sum(one) for one in found.missing],
        "not_due": [_sum(one) for one in found.not_due],
    }


def _sum(one: ReasonSum) -> dict[str, object]:
    return {"reason": one.reason, "duration_us": one.duration_us}


def _cells(month: str, row: _Row) -> tuple[object, ...]:
    found = row.found
    share = "" if found.share is None else f"{found.share:.6f}"
    return (
        month, row.camera.channel_id, row.camera.name, share, _seconds(found.due_us),
        _seconds(found.recorded_us), _seconds(found.due_us - found.recorded_us),
        _listed(found.missing), _listed(found.not_due),
    )  # fmt: skip


def _listed(sums: Sequence[ReasonSum]) -> str:
    return "; ".join(f"{one.reason} {_seconds(one.duration_us)}" for one in sums)


def _seconds(us: int) -> str:
    return f"{us / 1e6:.3f}"
