"""A table of devices, read whole, tried and added a few lines at a time."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fastapi import Request

from civiscope.api.faces import Faces
from civiscope.api.guard import visitor_of, where_from
from civiscope.api.trial import Trials, unknown_purpose
from civiscope.base import AppError, ChannelId, ErrorKind
from civiscope.devices import CsvRow, Group, TroubleReport, group_named, read_csv
from civiscope.security import AuditEntry


@dataclass(frozen=True, slots=True)
class ImportedLine:
    """What became of one line: a channel, a trouble of the device, or a problem of the line."""

    line: int
    channel_id: ChannelId | None = None
    trouble: TroubleReport | None = None
    problem: str | None = None


class Importing:
    """Reads tables, and adds their lines by way of a trial each."""

    def __init__(self, faces: Faces, trials: Trials) -> None:
        self._faces = faces
        self._trials = trials

    async def read(self, text: str) -> list[CsvRow]:
        """Every line, its group and purpose looked up; INVALID when the table cannot be read."""
        rows = await asyncio.to_thread(read_csv, text)
        groups = await self._faces.devices.groups.all()
        purposes = {one.id for one in await self._faces.purposes.purposes()}
        return [_looked_up(row, groups, purposes) for row in rows]

    async def add(self, request: Request, text: str, lines: Sequence[int]) -> list[ImportedLine]:
        """Try these lines side by side; each good one is added. MISSING for a line that is none."""
        rows = {row.line: row for row in await self.read(text)}
        missing = [line for line in lines if line not in rows]
        if missing:
            raise AppError(ErrorKind.MISSING, f"The table has nothing in line {missing[0]}. Read it again.")
        return list(await asyncio.gather(*(self._add(request, rows[line]) for line in dict.fromkeys(lines))))

    async def _add(self, request: Request, row: CsvRow) -> ImportedLine:
        if row.draft is None:
            return ImportedLine(row.line, problem=row.problem)
        tried = await self._trials.try_device(row.draft)
        await self._trials.note(request, tried, has_picture=False)
        if tried.trouble is not None or tried.asked.told is None:
            return ImportedLine(row.line, trouble=tried.trouble)
        channel = row.channel
        if row.group:
            group = group_named(await self._faces.devices.groups.all(), row.group)
            channel = replace(channel, group_id=group.id)
        draft = replace(tried.asked.draft, channels=(channel,))
        try:
            (camera,) = await self._faces.devices.add_device(draft, tried.asked.told)
        except AppError as error:
            if error.kind not in {ErrorKind.CONFLICT, ErrorKind.INVALID, ErrorKind.EXHAUSTED}:
                raise
            return ImportedLine(row.line, problem=error.message)
        entry = AuditEntry(
            visitor_of(request).principal,
            "camera.add",
            str(camera.channel_id),
            from_where=where_from(request),
            details={"address": camera.main.address, "device": str(camera.device_id), "line": row.line},
        )
        await self._faces.audit.append(entry)
        return ImportedLine(row.line, camera.channel_id)


def _looked_up(row: CsvRow, groups: Sequence[Group], purposes: Iterable[str]) -> CsvRow:
    if row.draft is None:
        return row
    try:
        if row.group:
            group_named(groups, row.group)
        purpose = row.channel.purpose
        if purpose and purpose not in purposes:
            raise unknown_purpose(purpose)
    except AppError as error:
        return CsvRow(row.line, problem=error.message)
    return row
