"""The server's side of what happens: events stored, rules asked, alarms raised, the old forgotten."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from civiscope.alarms import Alarm, AlarmFaces, Alarms
from civiscope.analytics import CoverageChanged, ObservationMade, Phase
from civiscope.app.action_desks import KeepingDesk, NoticeDesk
from civiscope.app.device_channels import DeviceChannels
from civiscope.app.keep_times import longest_us
from civiscope.app.recording_desk import RecordingDesk
from civiscope.app.site import Site
from civiscope.base import AppError, ErrorKind, PrincipalId, get_log
from civiscope.bus import Endpoint, Envelope
from civiscope.devices import DeviceNotified
from civiscope.events import (
    DeviceStates,
    EventStore,
    EventTold,
    migrate_events,
    open_database,
    told_by_analytic,
)
from civiscope.rules import ActionPorts, ActionShelf, RuleBook, RuleFaces
from civiscope.security import Accounts, Principal
from civiscope.storage import DatabaseHeader, stamp_header

_SUBSCRIPTION = "events"
_HOUR_S = 3_600.0
_HOUR_US = 3_600_000_000
_log = get_log("civiscope.app.server")


@asynccontextmanager
async def open_events(site: Site) -> AsyncIterator[EventStore]:
    """The store on its own file; closes it at the end."""
    database = open_database(site.home.events_database, site.clock)
    with contextlib.closing(database):
        identity = site.identity
        stamp_header(
            database,
            DatabaseHeader(identity.organisation_id, identity.site_id, "server", site.clock.now_us()),
        )
        migrate_events(database)
        yield EventStore(database, site.clock)


async def person_now(accounts: Accounts, user_id: PrincipalId) -> Principal | None:
    """Somebody with an account, with the rights of this moment; None: nobody, or shut out."""
    try:
        user = await accounts.people.user(user_id)
        return None if user.disabled_us is not None else await accounts.people.sight_of(user_id)
    except AppError as error:
        if error.kind is ErrorKind.MISSING:
            return None
        raise


class AlarmSide:
    """Wired before the bus starts; `rules.load` before anything is heard, `run` beside the door."""

    def __init__(self, site: Site, bus: Endpoint, events: EventStore, recordings: RecordingDesk) -> None:
        self._site = site
        self.events = events
        self.recordings = recordings
        self.channels = DeviceChannels(site.devices, site.clock)
        faces = AlarmFaces(bus.publish, partial(person_now, site.accounts), self._unacknowledged, site.clock)
        self.alarms = Alarms(site.database, site.audit, faces)
        shelf = ActionShelf(site.settings.rules.actions)
        self._notices = NoticeDesk(site)
        ports = ActionPorts(self.alarms, self._notices, KeepingDesk(site), recordings)
        self.rules = RuleBook(
            site.database,
            site.audit,
            RuleFaces(events, site.accounts.scopes, ports, shelf, site.clock),
        )
        self._states: DeviceStates | None = None
        bus.subscribe("analyst", ObservationMade, self.observed, _SUBSCRIPTION)
        bus.subscribe("analyst", CoverageChanged, self.covered, _SUBSCRIPTION)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.rules.run())
            group.create_task(self.alarms.run())
            group.create_task(self._forget())

    async def observed(self, _: Envelope, fact: ObservationMade) -> None:
        """Store what an analytic saw, and ask the rules; once, however often it is told."""
        await self._tell(told_by_analytic(fact))

    async def covered(self, _: Envelope, fact: CoverageChanged) -> None:
        """Keep what is looked at, and why not."""
        await self.events.cover(fact)

    async def notified(self, envelope: Envelope, fact: DeviceNotified) -> None:
        """Store what a device told as an event, and ask the rules."""
        if self._states is None:
            states = DeviceStates()
            states.remember(await self.events.going_on())
            self._states = states
        channel = await self.channels.channel_of(fact.device_id, fact.source)
        heard = self._states.hear(envelope.id, envelope.at_us, fact, channel)
        for told in heard.told:
            await self._tell(told)
        self._states.settle(heard)

    async def _tell(self, told: EventTold) -> None:
        """What was stored before a crash may not have met the rules: they are asked again."""
        event = await self.events.record(told)
        if event is None:
            event = await self.events.event(told.event.id)
        await self.recordings.told(event, told.phase)
        if told.phase is Phase.ENDED:
            await self.rules.consider_end(event)
        else:
            await self.rules.consider(event)

    async def _unacknowledged(self, alarm: Alarm) -> None:
        _log.warning("nobody claims an alarm", alarm=alarm.id, escalation=alarm.escalations)
        try:
            await self._notices.escalate(alarm)
        except AppError as error:
            _log.error("nobody outside was told of it", alarm=alarm.id, cause=error.message)

    async def _forget(self) -> None:
        hours = self._site.settings.events.retention_hours
        while True:
            try:
                keep_us = int(hours * _HOUR_US) if hours else await longest_us(self._site)
                before_us = self._site.clock.now_us() - keep_us
                await self.events.forget_before(before_us)
                await self.rules.forget_before(before_us)
            except AppError as error:
                _log.warning("events whose time is over stay for now", cause=error.message)
            await asyncio.sleep(_HOUR_S)
