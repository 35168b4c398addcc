"""The server process: the door, what is behind it, and the line to the recorder."""

import asyncio
import signal
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from civiscope.api import (
    ApiSettings,
    Application,
    CameraProber,
    Faces,
    HttpsServer,
    ProbedStreams,
    RecorderStreams,
    bind,
    create_app,
)
from civiscope.api import Site as DoorSite
from civiscope.app.alarm_side import AlarmSide, open_events
from civiscope.app.analysis_desk import AnalysisDesk, LocalAnalysisDesk
from civiscope.app.analysis_side import AnalysisSide
from civiscope.app.audit_desk import AuditFace, LocalAuditFace
from civiscope.app.case_keeper import CaseKeeper
from civiscope.app.deletions import DeletionDesk
from civiscope.app.desk import LocalDesk, SiteDesk
from civiscope.app.device_desk import DeviceDesk, LocalDeviceDesk
from civiscope.app.device_side import DeviceSide
from civiscope.app.event_pictures import EventPictures
from civiscope.app.export_side import export_desk, principal_now
from civiscope.app.faces import WorkerFace
from civiscope.app.fed_sub_streams import FedSubStreams
from civiscope.app.head_desk import HeadDesk, HeadPlaces
from civiscope.app.home import Home
from civiscope.app.keep_times import keep_times
from civiscope.app.machine import Machine, follow
from civiscope.app.notify_side import NotifySide
from civiscope.app.recorder_link import RecorderLink
from civiscope.app.recording_desk import RecordingDesk, recording_modes
from civiscope.app.role import be, bus_of
from civiscope.app.scope_link import ScopeLink
from civiscope.app.settings import Settings, split_listen
from civiscope.app.site import Site, hosts_of, open_site
from civiscope.app.site_names import SiteNames
from civiscope.app.town import town_ports
from civiscope.app.town_desk import LocalTown
from civiscope.app.vault_desk import LocalVaultFace, VaultFace
from civiscope.app.vault_keeper import VaultKeeper
from civiscope.app.vault_watch import VaultWatch
from civiscope.app.volumes import volume_folders
from civiscope.base import ChannelId, StreamId
from civiscope.cluster import tell_ready
from civiscope.devices import DriverFace, GateRules
from civiscope.ingest import FeedClient
from civiscope.media import AccessUnit, TrackConfig
from civiscope.recording import Archive, RecorderFace
from civiscope.security import HeadLedger
from civiscope.viewing import ExportDesk, Viewing, ViewingFaces

_STILL_LIMIT_S = 4.0
_TRANSCODE_LIMIT_S = 9.0


@dataclass(frozen=True, slots=True)
class ServerParts:
    """What runs beside the door."""

    link: RecorderLink
    archive: Archive
    viewing: Viewing
    names: SiteNames
    vault: VaultKeeper
    heads: HeadDesk
    application: Application
    prober: CameraProber
    exports: ExportDesk


class _Changes:
    """Who is told when the register of devices changes."""

    def __init__(self, plan: asyncio.Event) -> None:
        self._plan = plan
        self.scopes: ScopeLink | None = None
        self.side: DeviceSide | None = None
        self.analysis: AnalysisSide | None = None
        self.alarms: AlarmSide | None = None

    def tell(self) -> None:
        self._plan.set()
        if self.scopes is not None:
            self.scopes.look_again()
        if self.side is not None:
            self.side.wake()
        if self.analysis is not None:
            self.analysis.wake()
        if self.alarms is not None:
            self.alarms.channels.look_again()


async def run_server(home: Home, settings: Settings) -> None:
    """Be the server until SIGTERM; CONFLICT when the port is taken."""
    listener = bind(*split_listen(settings.server.listen))
    plan_changed = asyncio.Event()
    changes = _Changes(plan_changed)
    async with (
        open_site(home, settings, changes.tell) as site,
        open_events(site) as events,
        bus_of("server", home, site.clock) as bus,
    ):
        link = RecorderLink(
            bus.face("recorder", RecorderFace),
            site.devices,
            site.clock,
            plan_changed,
            lambda: gate_rules_of(site, settings),
        )
        link.held = site.evidence.held_spans
        link.times = lambda: keep_times(site)
        link.modes = lambda: recording_modes(site)
        recordings = RecordingDesk(site, link, events)
        link.going_on = recordings.go_on
        site.pages.on_change(plan_changed.set)
        worker = bus.face("worker", WorkerFace, _STILL_LIMIT_S)
        changes.alarms = alarms = AlarmSide(site, bus, events, recordings)
        await alarms.rules.load()
        changes.side = side = DeviceSide(site, bus, lambda: gate_rules_of(site, settings), alarms.notified)
        site.pages.on_change(side.wake)
        stills = _StillFinder(worker, bus.face("worker", WorkerFace, _TRANSCODE_LIMIT_S))
        changes.analysis = analysis = AnalysisSide(site, bus)
        site.pages.on_change(analysis.wake)
        parts = _parts(site, (link, side.drivers, stills), (analysis, alarms))
        bus.serve(SiteDesk, LocalDesk(site, link.words))
        bus.serve(DeviceDesk, LocalDeviceDesk(site, side.drivers, ProbedStreams(parts.prober)))
        bus.serve(AnalysisDesk, LocalAnalysisDesk(site, analysis.wake))
        bus.serve(AuditFace, LocalAuditFace(site))
        bus.serve(VaultFace, LocalVaultFace(parts.vault, is_server=True))
        changes.scopes = ScopeLink(site.devices, site.accounts.scopes, lambda: site.pages.site.time_zone)
        site.pages.on_change(changes.scopes.look_again)
        await changes.scopes.refresh()
        cases = CaseKeeper(site.evidence, site.vault_door, parts.archive, link, site.clock)
        notify_side = NotifySide(site, bus, cases.after(plan_changed.set))
        watch = VaultWatch(site.vault_door, parts.viewing, plan_changed)
        application = parts.application
        door = HttpsServer(application, listener, parts.names.tls, parts.names, application.stop)
        await bus.start()
        sides = (side, analysis, alarms, notify_side, cases)
        await _serve(door, parts, (watch.run(), changes.scopes.run(), *(one.run() for one in sides)))


async def _serve(door: HttpsServer, parts: ServerParts, others: Sequence[Coroutine[Any, Any, None]]) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        beside = [
            group.create_task(work)
            for work in (
                parts.link.run(),
                follow(parts.archive),
                parts.viewing.run(),
                parts.names.run(),
                parts.heads.run(),
                parts.application.run(),
                parts.exports.run(),
                *others,
            )
        ]
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, door.stop)
        tell_ready()
        await door.serve()
        for task in beside:
            task.cancel()


def _parts(
    site: Site,
    lines: tuple[RecorderLink, DriverFace, "_StillFinder"],
    sides: tuple[AnalysisSide, AlarmSide],
) -> ServerParts:
    (link, drivers, stills), (analysis, alarms), settings = lines, sides, site.settings
    archive = Archive(volume_folders(site.home, settings), site.vault_door.keyring, site.clock)
    viewing = Viewing(
        ViewingFaces(
            feed=FeedClient(site.home.feed_socket, "server", site.clock),
            recordings=archive,
            audit=site.audit,
            purposes=site.purposes,
            stream_of=_StreamFinder(site).stream_of,
            principal_now=partial(principal_now, site.accounts),
            clock=site.clock,
            maker=stills.maker,
            sub_streams=FedSubStreams(site.devices, link),
            derived_feed=FeedClient(site.home.worker_feed_socket, "server", site.clock),
            pictures=EventPictures(alarms.events, site.vault_door.keyring),
        )
    )
    vault = VaultKeeper(site.vault_door, site.audit, settings.vault, site.clock)
    names = SiteNames(site.keys, site.clock, lambda: hosts_of(settings, site.pages))
    site.pages.on_change(names.look_again)
    heads = _heads_of(site, settings)
    site.pages.on_change(heads.look_again)
    prober = CameraProber(
        site.clock,
        stills.still,
        lambda: gate_rules_of(site, settings),
        import_folders=settings.devices.import_folders,
    )
    faces = Faces(
        settings=ApiSettings(hosts=names),
        clock=site.clock,
        site_now=lambda: _site_now(site),
        authority=names,
        pages=site.pages,
        town=LocalTown(site.home),
        vault=vault,
        heads=heads,
        accounts=site.accounts,
        audit=site.audit,
        purposes=site.purposes,
        devices=site.devices,
        drivers=drivers,
        analytics=site.analytics,
        analysis=analysis,
        streams=RecorderStreams(link),
        prober=prober,
        timelines=archive,
        looks=viewing,
        events=alarms.events,
        rules=alarms.rules,
        alarms=alarms.alarms,
        system=Machine(site.home, link),
        notify=site.notify,
        evidence=site.evidence,
        exports=(exports := export_desk(site, viewing, stills.maker)),
        deletions=DeletionDesk(site.home.destroyed),
        recordings=alarms.recordings,
    )
    return ServerParts(link, archive, viewing, names, vault, heads, create_app(faces), prober, exports)


def _heads_of(site: Site, settings: Settings) -> HeadDesk:
    ledger = HeadLedger(site.database, site.clock)
    places = HeadPlaces(site.audit, ledger, site.identity, site.home.role("server"))
    return HeadDesk(places, lambda: site.pages.audit, settings.audit, site.clock)


def gate_rules_of(site: Site, settings: Settings) -> GateRules:
    """Where devices may stand now: the page's networks, the file's ports of this machine, the town's own."""
    devices = settings.devices.model_copy(update={"networks": site.pages.devices.networks})
    return devices.gate_rules(town_ports(site.home))


def _site_now(site: Site) -> DoorSite:
    page = site.pages.site
    return DoorSite(
        site.identity.site_id,
        page.name,
        page.time_zone,
        page.host_name,
        page.jurisdiction,
        site.pages.first_run_done,
    )


@dataclass(frozen=True, slots=True)
class _StillFinder:
    worker: WorkerFace
    maker: WorkerFace
    """The same, with the patience that transcoding needs."""

    async def still(self, track: TrackConfig, unit: AccessUnit) -> bytes:
        """A JPEG, decoded by the worker: a stranger's bytes meet no decoder where the keys are."""
        return (await self.worker.still(track, unit)).jpeg


@dataclass(frozen=True, slots=True)
class _StreamFinder:
    site: Site

    async def stream_of(self, channel_id: ChannelId) -> StreamId:
        """The channel's main stream; MISSING when there is no such channel."""
        return (await self.site.devices.camera(channel_id)).main.id


if __name__ == "__main__":
    be(run_server)
