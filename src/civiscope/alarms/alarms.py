"""Alarms: raised by rules, handled by people, woken and told again by the clock; each change on record."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from civiscope.alarms import history, rows
from civiscope.alarms.acts import Act, Decision, claimed, closed, forwarded, noted, parked
from civiscope.alarms.facts import AlarmChanged, AlarmRaised, AlarmUnacknowledged
from civiscope.alarms.history import HistoryReport, HistoryRow
from civiscope.alarms.model import (
    NOTE_LIMIT,
    RATE_US,
    Alarm,
    AlarmCounts,
    AlarmDraft,
    AlarmId,
    AlarmPage,
    AlarmQuery,
    AlarmSettings,
    AlarmState,
    Owner,
)
from civiscope.alarms.raising import folded, raised, row_of_fold, row_of_raise
from civiscope.alarms.watching import AlarmChanges, ChangeHub
from civiscope.base import AppError, Clock, ErrorKind, PrincipalId, get_log
from civiscope.bus import Fact
from civiscope.security import (
    AuditEntry,
    AuditLog,
    AuditWriter,
    Permission,
    Principal,
    authorise_on,
    authorise_somewhere,
    channels_with,
)
from civiscope.storage import Connection, Database

_HISTORY_ROWS = 500
_log = get_log("civiscope.alarms")


@dataclass(frozen=True, slots=True)
class AlarmFaces:
    """What this room asks others for."""

    publish: Callable[[Fact], None]
    person: Callable[[PrincipalId], Awaitable[Principal | None]]
    """Somebody with an account, with the rights of this moment; None: nobody, or shut out."""
    unacknowledged: Callable[[Alarm], Awaitable[None]]
    """Tell those who are to be told again; what fails there is theirs to keep."""
    clock: Clock


class Alarms:
    """Alarms on the server's database. Whoever asks is checked per channel: what is not his is not there."""

    def __init__(
        self, database: Database, audit: AuditLog, faces: AlarmFaces, settings: AlarmSettings | None = None
    ) -> None:
        self._database = database
        self._audit = audit
        self._faces = faces
        self._settings = settings or AlarmSettings()
        self._hub = ChangeHub()

    # -- by rules

    async def raise_alarm(self, draft: AlarmDraft) -> Alarm:
        """A new alarm, or the open one in which this repeat counts. Of one rule and event once."""
        now_us = self._faces.clock.now_us()

        def work(connection: Connection) -> tuple[Alarm, int, bool]:
            known = rows.made_of(connection, draft.rule_id, draft.event_id)
            if known is not None:
                return known, 0, False
            before = rows.open_for(connection, draft)
            if before is None:
                alarm = raised(draft, now_us)
                rows.add(connection, alarm)
                return alarm, history.append(connection, row_of_raise(alarm, now_us))[0], True
            alarm = folded(before, draft)
            rows.change(connection, alarm)
            rows.count_in(connection, alarm, draft.event_id)
            return alarm, history.append(connection, row_of_fold(before, alarm, draft, now_us))[0], False

        alarm, sequence, is_new = await self._database.write(work)
        if is_new:
            fact = AlarmRaised(
                alarm.id, alarm.rule_id, alarm.event_id, alarm.channel_id, alarm.priority, alarm.raised_us
            )
            self._faces.publish(fact)
            self._hub.tell(alarm, sequence)
        elif sequence:
            self._told(alarm, sequence, "folded")
        return alarm

    # -- by people

    async def claim(self, act: Act) -> Alarm:
        """Take it in hand, also from another; CONFLICT when it is one's own already."""
        return await self._do(act, "claim", lambda alarm, _: claimed(alarm, Owner(act.by.id, act.by.name)))

    async def forward(self, act: Act, to_user_id: PrincipalId) -> Alarm:
        """Put it into another person's hands, who must be allowed to handle it (INVALID)."""
        alarm = await self.alarm(act.alarm_id, act.by)
        person = await self._faces.person(to_user_id)
        if person is None or not may_handle(person, alarm):
            raise AppError(
                ErrorKind.INVALID, "That person cannot handle alarms of this camera. Choose somebody else."
            )
        to = Owner(person.id, person.name)
        return await self._do(act, "forward", lambda alarm, _: forwarded(alarm, to))

    async def park(self, act: Act, until_us: int) -> Alarm:
        """Lay it aside until then; it becomes new again by itself."""
        owner = Owner(act.by.id, act.by.name)
        return await self._do(act, "park", lambda alarm, now_us: parked(alarm, owner, until_us, now_us))

    async def close(self, act: Act, reason: str) -> Alarm:
        """Be done with it, and say why; nothing changes it after that."""
        return await self._do(act, "close", lambda alarm, _: closed(alarm, reason))

    async def note(self, act: Act) -> Alarm:
        """Write something down, also of a closed one."""
        return await self._do(act, "note", lambda alarm, _: noted(alarm, act.note))

    async def alarm(self, alarm_id: AlarmId, by: Principal) -> Alarm:
        """One alarm; MISSING also for what is not his business."""
        found = await self._database.read(lambda connection: rows.find(connection, alarm_id))
        return _handled(found, by)

    async def history(self, alarm_id: AlarmId, by: Principal) -> list[HistoryRow]:
        """The newest 500 changes of an alarm, oldest first; MISSING."""
        await self.alarm(alarm_id, by)
        return await self._database.read(
            lambda connection: history.of_alarm(connection, alarm_id, _HISTORY_ROWS)
        )

    async def page(self, query: AlarmQuery, by: Principal) -> AlarmPage:
        """His alarms, newest first."""
        authorise_somewhere(by, Permission.ALARM_HANDLE)
        channels = channels_with(by, Permission.ALARM_HANDLE)
        return await self._database.read(lambda connection: rows.page(connection, query, channels))

    async def counts(self, by: Principal) -> AlarmCounts:
        """How many of his alarms stand how, and how fast they come."""
        authorise_somewhere(by, Permission.ALARM_HANDLE)
        channels = channels_with(by, Permission.ALARM_HANDLE)
        since_us = self._faces.clock.now_us() - RATE_US
        return await self._database.read(lambda connection: rows.counts(connection, channels, since_us))

    def changes(self) -> AlarmChanges:
        """Every change of every alarm from entering on, for whoever filters them (`may_handle`)."""
        return AlarmChanges(self._hub)

    # -- by the clock

    async def run(self) -> None:
        """Wake what was parked and tell again what nobody claims; until cancelled."""
        while True:
            await asyncio.sleep(self._settings.tick_s)
            try:
                await self.wake_due()
                await self.escalate_due()
            except AppError as error:
                _log.warning("alarms cannot be looked through", cause=error.message)

    async def wake_due(self) -> list[Alarm]:
        """Parked ones whose time is over are new again; those."""
        return await self._change_due(rows.parked_until, "unparked")

    async def escalate_due(self) -> list[Alarm]:
        """New ones that nobody claimed in time are told again, one priority up; those."""
        after_us = self._settings.escalate_after_us
        alarms = await self._change_due(
            lambda connection, now_us: rows.unclaimed(connection, now_us - after_us), "escalated"
        )
        now_us = self._faces.clock.now_us()
        for alarm in alarms:
            self._faces.publish(
                AlarmUnacknowledged(alarm.id, alarm.channel_id, alarm.priority, alarm.escalations, now_us)
            )
            await self._faces.unacknowledged(alarm)
        return alarms

    async def verify_history(self) -> HistoryReport:
        """Whether every row of the history is as it was written."""
        return await history.verify(self._database)

    async def _change_due(self, find: Callable[[Connection, int], list[Alarm]], what: str) -> list[Alarm]:
        """Nothing is written while nothing is due."""
        now_us = self._faces.clock.now_us()
        if not await self._database.read(lambda connection: find(connection, now_us)):
            return []
        changed = await self._database.write(
            lambda connection: [
                _by_clock(connection, alarm, what, now_us) for alarm in find(connection, now_us)
            ]
        )
        for alarm, sequence in changed:
            self._told(alarm, sequence, what)
        return [alarm for alarm, _ in changed]

    async def _do(self, act: Act, what: str, decide: Callable[[Alarm, int], Decision]) -> Alarm:
        """Change one alarm, its history and the audit in one transaction, or nothing."""
        if len(act.note) > NOTE_LIMIT:
            raise AppError(ErrorKind.INVALID, f"A note has at most {NOTE_LIMIT} characters.")
        now_us = self._faces.clock.now_us()

        def work(connection: Connection, writer: AuditWriter) -> tuple[Alarm, int, str]:
            before = _handled(rows.find(connection, act.alarm_id), act.by)
            if before.version != act.version:
                raise AppError(
                    ErrorKind.CONFLICT,
                    "Somebody changed this alarm before you. Nothing was changed; load it again.",
                )
            decision = decide(before, now_us)
            alarm = replace(decision.alarm, version=before.version + 1)
            rows.change(connection, alarm)
            row = HistoryRow(
                0,
                alarm.id,
                now_us,
                act.by.id,
                act.by.name,
                decision.what,
                act.note,
                *_difference(before, alarm),
            )
            sequence, link = history.append(connection, row)
            writer.append(_entry(act, what, alarm, {"history": sequence, "link": link.hex()}))
            return alarm, sequence, decision.what

        alarm, sequence, done = await self._audit.transact(work)
        self._told(alarm, sequence, done)
        return alarm

    def _told(self, alarm: Alarm, sequence: int, what: str) -> None:
        now_us = self._faces.clock.now_us()
        self._faces.publish(AlarmChanged(alarm.id, alarm.state, what, alarm.version, now_us))
        self._hub.tell(alarm, sequence)


def missing_alarm() -> AppError:
    """One and the same for an alarm that is not there and for one that is nobody's business."""
    return AppError(ErrorKind.MISSING, "There is no such alarm. Reload the list.")


def _handled(alarm: Alarm | None, by: Principal) -> Alarm:
    """The alarm if it is his business; DENIED for who may not handle any, or knows of the camera; MISSING."""
    authorise_somewhere(by, Permission.ALARM_HANDLE)
    if alarm is None:
        raise missing_alarm()
    if may_handle(by, alarm):
        return alarm
    if alarm.channel_id is None:
        raise missing_alarm()
    try:
        authorise_on(by, Permission.ALARM_HANDLE, alarm.channel_id)
    except AppError as error:
        raise (missing_alarm() if error.kind is ErrorKind.MISSING else error) from None
    return alarm


def may_handle(principal: Principal, alarm: Alarm) -> bool:
    """True if it is the principal's business at this moment."""
    held = channels_with(principal, Permission.ALARM_HANDLE)
    return held is None or (alarm.channel_id is not None and alarm.channel_id in held)


def _by_clock(connection: Connection, before: Alarm, what: str, now_us: int) -> tuple[Alarm, int]:
    alarm = replace(before, version=before.version + 1, waits_since_us=now_us)
    if what == "unparked":
        alarm = replace(alarm, state=AlarmState.NEW, owner=None, parked_until_us=None, escalations=0)
    else:
        alarm = replace(alarm, priority=before.priority.raised, escalations=before.escalations + 1)
    rows.change(connection, alarm)
    row = HistoryRow(0, alarm.id, now_us, None, "civiscope", what, "", *_difference(before, alarm))
    return alarm, history.append(connection, row)[0]


def _difference(before: Alarm, after: Alarm) -> tuple[dict[str, object], dict[str, object]]:
    was, now = _shown(before), _shown(after)
    changed = [name for name in was if was[name] != now[name]]
    return {name: was[name] for name in changed}, {name: now[name] for name in changed}


def _shown(alarm: Alarm) -> dict[str, object]:
    return {
        "state": alarm.state.value, "priority": alarm.priority.value,
        "owner": None if alarm.owner is None else {"id": str(alarm.owner.id), "name": alarm.owner.name},
        "parked_until_us": alarm.parked_until_us, "close_reason": alarm.close_reason,
        "escalations": alarm.escalations, "version": alarm.version,
    }  # fmt: skip


def _entry(act: Act, what: str, alarm: Alarm, details: dict[str, object]) -> AuditEntry:
    return AuditEntry(
        act.by,
        f"alarm.{what}",
        f"alarm {alarm.id}",
        from_where=act.from_where,
        details={"channel": str(alarm.channel_id), "rule": alarm.rule_name, **details},
    )
