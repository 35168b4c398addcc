"""The server process: the door, what is behind it, and the line to the recorder."""

import asyncio
import signal
from dataclasses import dataclass

from civiscope.api import (
    ApiSettings,
    Application,
    CameraProber,
    Faces,
    HttpsServer,
    RecorderStreams,
    bind,
    create_app,
)
from civiscope.api import Site as DoorSite
from civiscope.app.desk import LocalDesk, SiteDesk
from civiscope.app.faces import WorkerFace
from civiscope.app.home import Home
from civiscope.app.machine import Machine, follow
from civiscope.app.recorder_link import RecorderLink
from civiscope.app.role import be, bus_of
from civiscope.app.settings import Settings, split_listen
from civiscope.app.site import Site, certified_hosts, open_site
from civiscope.base import ChannelId, StreamId
from civiscope.cluster import tell_ready
from civiscope.ingest import FeedClient
from civiscope.media import AccessUnit, TrackConfig
from civiscope.recording import Archive, RecorderFace
from civiscope.security import Principal, server_tls
from civiscope.viewing import Viewing, ViewingFaces

_STILL_LIMIT_S = 4.0


@dataclass(frozen=True, slots=True)
class ServerParts:
    """What runs beside the door."""

    link: RecorderLink
    archive: Archive
    viewing: Viewing
    application: Application


async def run_server(home: Home, settings: Settings) -> None:
    """Be the server until SIGTERM; CONFLICT when the port is taken."""
    listener = bind(*split_listen(settings.server.listen))
    plan_changed = asyncio.Event()
    async with open_site(home, settings, plan_changed.set) as site, bus_of("server", home, site.clock) as bus:
        link = RecorderLink(bus.face("recorder", RecorderFace), site.devices, site.clock, plan_changed)
        worker = bus.face("worker", WorkerFace, _STILL_LIMIT_S)
        parts = _parts(site, settings, link, _StillFinder(worker))
        bus.serve(SiteDesk, LocalDesk(site, link.words))
        application = parts.application
        door = HttpsServer(
            application, listener, server_tls(site.keys), certified_hosts(settings), application.stop
        )
        await bus.start()
        await _serve(door, parts)


async def _serve(door: HttpsServer, parts: ServerParts) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        beside = [
            group.create_task(work) for work in (parts.link.run(), follow(parts.archive), parts.viewing.run())
        ]
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, door.stop)
        tell_ready()
        await door.serve()
        for task in beside:
            task.cancel()


def _parts(site: Site, settings: Settings, link: RecorderLink, stills: "_StillFinder") -> ServerParts:
    archive = Archive((site.home.volume(settings.recording.folder),), site.keys.keyring(), site.clock)
    viewing = Viewing(
        ViewingFaces(
            feed=FeedClient(site.home.feed_socket, "server", site.clock),
            recordings=archive,
            audit=site.audit,
            purposes=site.purposes,
            stream_of=_StreamFinder(site).stream_of,
            principal_now=_SessionCheck(site).principal_now,
            clock=site.clock,
        )
    )
    identity = site.identity
    faces = Faces(
        settings=ApiSettings(hosts=certified_hosts(settings)),
        clock=site.clock,
        site=DoorSite(identity.site_id, identity.site_name, settings.site.time_zone),
        authority_pem=site.keys.authority_pem(),
        accounts=site.accounts,
        audit=site.audit,
        purposes=site.purposes,
        devices=site.devices,
        streams=RecorderStreams(link),
        prober=CameraProber(site.clock, stills.still),
        timelines=archive,
        looks=viewing,
        system=Machine(site.home, link),
    )
    return ServerParts(link, archive, viewing, create_app(faces))


@dataclass(frozen=True, slots=True)
class _StillFinder:
    worker: WorkerFace

    async def still(self, track: TrackConfig, unit: AccessUnit) -> bytes:
        """A JPEG, decoded by the worker: a stranger's bytes meet no decoder where the keys are."""
        return (await self.worker.still(track, unit)).jpeg


@dataclass(frozen=True, slots=True)
class _StreamFinder:
    site: Site

    async def stream_of(self, channel_id: ChannelId) -> StreamId:
        """The channel's main stream; MISSING when there is no such channel."""
        return (await self.site.devices.camera(channel_id)).main.id


@dataclass(frozen=True, slots=True)
class _SessionCheck:
    site: Site

    async def principal_now(self, principal: Principal) -> Principal | None:
        """With the roles of this moment; None once the session has ended."""
        session_id = principal.session_id
        return None if session_id is None else await self.site.accounts.principal_of(session_id)


if __name__ == "__main__":
    be(run_server)
