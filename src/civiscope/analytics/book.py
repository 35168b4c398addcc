"""Which analytics each channel has: kept in the server's database, every change in the audit."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from pydantic import ValidationError

from civiscope.analytics.face import AnalysisPlan, AnalyticOrder, ChannelPlan
from civiscope.analytics.plugin import AnalyticPlugin
from civiscope.analytics.schedule import schedule_of, schedule_value
from civiscope.analytics.tables import analytic_table
from civiscope.base import AppError, ChannelId, Clock, ErrorKind, new_id
from civiscope.devices import Camera
from civiscope.security import AuditEntry, AuditLog, AuditWriter, Principal, TimeProfile
from civiscope.storage import Connection, Database, Row, delete, func, insert, select, update

NAME_LIMIT_CHARS = 120
ANALYTICS_LIMIT = 32
"""On one channel: each costs time for every frame."""


class SettingsError(AppError):
    """Fields of an analytic that do not fit; each with words for the person who typed it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        told = "; ".join(f"{name}: {words}" for name, words in fields.items())
        super().__init__(ErrorKind.INVALID, f"Some fields do not fit. {told}")
        self.fields = dict(fields)

    def __reduce__(self) -> tuple[type["SettingsError"], tuple[dict[str, str]]]:  # type: ignore[override]  # other args
        return (SettingsError, (self.fields,))


class PlugInFinder(Protocol):
    """Where plug-ins are found by name."""

    def load(self, name: str) -> AnalyticPlugin:
        """The plug-in; MISSING, DENIED or UNAVAILABLE says why not."""
        ...


@dataclass(frozen=True, slots=True)
class AnalyticDraft:
    """An analytic as a person typed it; nothing in it is checked yet."""

    plugin: str
    name: str
    settings: Mapping[str, Any]
    schedule: TimeProfile | None = None
    """None: always."""
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class KeptAnalytic:
    """One analytic of one channel, and who changed it last."""

    id: UUID
    channel_id: ChannelId
    draft: AnalyticDraft
    changed_us: int
    changed_by: str

    def order(self) -> AnalyticOrder:
        """As the analyst gets it."""
        schedule = self.draft.schedule
        return AnalyticOrder(
            self.id,
            self.draft.plugin,
            json.dumps(self.draft.settings, sort_keys=True),
            "" if schedule is None else json.dumps(schedule_value(schedule)),
        )


class AnalyticBook:
    """What is to be looked for, on `server.db`. A channel that is removed keeps its rows and leaves the plan.

    Who calls has asked for the permission (`camera.edit` on the channel).
    """

    def __init__(self, database: Database, audit: AuditLog, clock: Clock, plugins: PlugInFinder) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._plugins = plugins

    async def of(self, channel_id: ChannelId) -> tuple[KeptAnalytic, ...]:
        """Those of one channel, in the order of adding."""
        query = select(analytic_table).where(analytic_table.c.channel_id == channel_id)
        return await self._database.read(partial(_read, query=query.order_by(analytic_table.c.id)))

    async def all(self) -> tuple[KeptAnalytic, ...]:
        """Those of every channel, in the order of adding."""
        return await self._database.read(
            partial(_read, query=select(analytic_table).order_by(analytic_table.c.id))
        )

    async def add(
        self, channel_id: ChannelId, draft: AnalyticDraft, by: Principal | str, where: str = ""
    ) -> KeptAnalytic:
        """Look for this too; SettingsError names the fields that do not fit, EXHAUSTED: too many."""
        kept = await asyncio.to_thread(self._kept, new_id(), channel_id, draft, by)

        def work(connection: Connection, writer: AuditWriter) -> None:
            query = select(func.count()).where(analytic_table.c.channel_id == channel_id)
            if connection.execute(query).scalar_one() >= ANALYTICS_LIMIT:
                raise AppError(
                    ErrorKind.EXHAUSTED,
                    f"A camera has at most {ANALYTICS_LIMIT} analytics. Remove one that is not needed.",
                )
            connection.execute(
                insert(analytic_table).values(id=kept.id, channel_id=channel_id, **_values(kept))
            )
            writer.append(_entry(by, "analytic.add", kept, where))

        await self._audit.transact(work)
        return kept

    async def edit(
        self, channel_id: ChannelId, analytic_id: UUID, draft: AnalyticDraft, by: Principal, where: str = ""
    ) -> KeptAnalytic:
        """Put this in its place; MISSING if the channel has no such analytic."""
        await self._database.read(partial(_one, channel_id=channel_id, analytic_id=analytic_id))
        kept = await asyncio.to_thread(self._kept, analytic_id, channel_id, draft, by)

        def work(connection: Connection, writer: AuditWriter) -> None:
            before = _one(connection, channel_id, analytic_id)
            found = analytic_table.c.id == analytic_id
            connection.execute(update(analytic_table).where(found).values(**_values(kept)))
            writer.append(_entry(by, "analytic.edit", kept, where, before))

        await self._audit.transact(work)
        return kept

    async def remove(self, channel_id: ChannelId, analytic_id: UUID, by: Principal, where: str = "") -> None:
        """Look for it no longer; MISSING if the channel has no such analytic."""

        def work(connection: Connection, writer: AuditWriter) -> None:
            before = _one(connection, channel_id, analytic_id)
            connection.execute(delete(analytic_table).where(analytic_table.c.id == analytic_id))
            writer.append(_entry(by, "analytic.remove", before, where))

        await self._audit.transact(work)

    async def plan(self, cameras: Iterable[Camera], detector: str, time_zone: str) -> AnalysisPlan:
        """What the analyst shall do for these cameras."""
        return plan_of(cameras, await self.all(), detector, time_zone)

    def _kept(
        self, analytic_id: UUID, channel_id: ChannelId, draft: AnalyticDraft, by: Principal | str
    ) -> KeptAnalytic:
        who = by if isinstance(by, str) else by.name
        return KeptAnalytic(
            analytic_id, channel_id, self._checked(draft), self._clock.now_us(), who[:NAME_LIMIT_CHARS]
        )

    def _checked(self, draft: AnalyticDraft) -> AnalyticDraft:
        """With tidy name and whole settings; blocks while a plug-in is loaded for the first time."""
        faults: dict[str, str] = {}
        name = " ".join(draft.name.split())
        if not name or not name.isprintable() or len(name) > NAME_LIMIT_CHARS:
            faults["name"] = f"a name has 1 to {NAME_LIMIT_CHARS} letters that can be read"
        settings = dict(draft.settings)
        try:
            plugin = self._plugins.load(draft.plugin)
            settings = plugin.settings.model_validate(settings).model_dump(mode="json")
        except AppError as error:
            faults["plugin"] = error.message
        except ValidationError as error:
            faults |= _faults(error)
        if faults:
            raise SettingsError(faults)
        return AnalyticDraft(draft.plugin, name, settings, draft.schedule, draft.is_on)


def plan_of(
    cameras: Iterable[Camera], analytics: Sequence[KeptAnalytic], detector: str, time_zone: str
) -> AnalysisPlan:
    """Every living camera by its sub stream where it has one, with the analytics that are on."""
    orders: dict[ChannelId, list[AnalyticOrder]] = {}
    for one in analytics:
        if one.draft.is_on:
            orders.setdefault(one.channel_id, []).append(one.order())
    channels = tuple(
        ChannelPlan(
            camera.channel_id,
            (camera.sub or camera.main).id,
            camera.sub is None,
            tuple(orders.get(camera.channel_id, ())),
        )
        for camera in cameras
        if camera.removed_us is None and camera.streams
    )
    return AnalysisPlan(channels, detector, time_zone)


def _faults(error: ValidationError) -> dict[str, str]:
    fields: dict[str, str] = {}
    for fault in error.errors():
        place = str(fault["loc"][0]) if fault["loc"] else "settings"
        fields.setdefault(place, str(fault["msg"]).removeprefix("Value error, "))
    return fields


def _read(connection: Connection, query: Any) -> tuple[KeptAnalytic, ...]:
    return tuple(_analytic(row) for row in connection.execute(query))


def _one(connection: Connection, channel_id: ChannelId, analytic_id: UUID) -> KeptAnalytic:
    query = select(analytic_table).where(
        analytic_table.c.id == analytic_id, analytic_table.c.channel_id == channel_id
    )
    row = connection.execute(query).first()
    if row is None:
        raise AppError(ErrorKind.MISSING, "This camera has no such analytic: load the list again.")
    return _analytic(row)


def _analytic(row: Row[Any, *tuple[Any, ...]]) -> KeptAnalytic:
    schedule = None if row.schedule is None else schedule_of(row.schedule)
    draft = AnalyticDraft(row.plugin, row.name, row.settings, schedule, row.is_on)
    return KeptAnalytic(row.id, ChannelId(row.channel_id), draft, row.changed_us, row.changed_by)


def _values(kept: KeptAnalytic) -> dict[str, Any]:
    draft = kept.draft
    return {
        "plugin": draft.plugin,
        "name": draft.name,
        "settings": dict(draft.settings),
        "schedule": None if draft.schedule is None else schedule_value(draft.schedule),
        "is_on": draft.is_on,
        "changed_us": kept.changed_us,
        "changed_by": kept.changed_by,
    }


def _entry(
    by: Principal | str, what: str, kept: KeptAnalytic, where: str, before: KeptAnalytic | None = None
) -> AuditEntry:
    details: dict[str, object] = {"analytic": str(kept.id), **_told(kept)}
    if before is not None:
        details["before"] = _told(before)
    return AuditEntry(by, what, str(kept.channel_id), from_where=where, details=details)


def _told(kept: KeptAnalytic) -> dict[str, object]:
    values = _values(kept)
    return {name: values[name] for name in ("plugin", "name", "settings", "schedule", "is_on")}
