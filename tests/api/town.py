"""A site for tests: real accounts, audit, purposes and devices; hand-written ports instead of cameras."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from tests.api.export_town import make_exports
from tests.devices.fake_drivers import FakeDrivers

from civiscope.alarms import Alarm, AlarmFaces, Alarms, AlarmUnacknowledged, migrate_alarms
from civiscope.analytics import (
    AnalystStatus,
    AnalyticBook,
    AnalyticInfo,
    PluginShelf,
    migrate_analytics,
)
from civiscope.api import (
    ApiSettings,
    Application,
    AuthorityState,
    Faces,
    FieldError,
    PageState,
    ProbeAnswer,
    Site,
    StreamState,
    TownCamera,
    TownState,
    TrackState,
    create_app,
)
from civiscope.app.alarm_side import person_now
from civiscope.app.deletions import DeletionDesk
from civiscope.app.head_desk import HeadDesk, HeadPlaces
from civiscope.app.settings import AuditSettings, VaultSettings
from civiscope.app.site_pages import AuditPage
from civiscope.app.vault_keeper import VaultKeeper
from civiscope.base import (
    AppError,
    ChannelId,
    ErrorKind,
    ManualClock,
    PrincipalId,
    ReasonedSpan,
    RunId,
    Span,
    StreamId,
    new_id,
)
from civiscope.bus import Fact
from civiscope.devices import Devices, migrate_devices
from civiscope.events import EventStore, migrate_events
from civiscope.evidence import Evidence, migrate_evidence
from civiscope.ingest import StreamSource, Transport
from civiscope.media import Codec, TrackConfig
from civiscope.notify import Notify, migrate_notify
from civiscope.privacy import Function, PurposeRegister, migrate_privacy
from civiscope.recording import Availability, RecordedSpan, Timeline, availability_of
from civiscope.rules import ActionPorts, ActionShelf, RuleBook, RuleFaces, migrate_rules
from civiscope.security import (
    Accounts,
    AccountSettings,
    AuditLog,
    HashSettings,
    HeadLedger,
    Principal,
    Role,
    ScryptSettings,
    SiteKeys,
    VaultDoor,
    WordBox,
    certificate_facts,
    migrate_security,
    terminal_principal,
)
from civiscope.storage import Database
from civiscope.viewing import MediaAnswer, SentPicture, WhepAnswer, Wish

HOST = "localhost"
CHEAP_SCRYPT = ScryptSettings(1 << 10)
ORIGIN = f"https://{HOST}"
PASSWORD = "seven gulls over the pier"
PEOPLE = {
    "viewer": Role.VIEWER,
    "operator": Role.OPERATOR,
    "dpo": Role.DATA_PROTECTION_OFFICER,
    "administrator": Role.ADMINISTRATOR,
}


class FakeStreams:
    """The recorder: away, or with these states."""

    def __init__(self) -> None:
        self.known: list[StreamState] | None = []

    async def states(self) -> Sequence[StreamState]:
        if self.known is None:
            raise AppError(ErrorKind.UNAVAILABLE, "The recorder does not answer.")
        return self.known

    def record(self, stream_id: StreamId) -> None:
        track = TrackState("h264", True, 1280, 720)
        state = StreamState(
            stream_id, "recording", 5, last_unit_us=9, fps=15.0, bitrate_bps=2_000_000, tracks=(track,)
        )
        self.known = [*(self.known or []), state]


class FakeProber:
    """A camera that answers when `gate` is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[StreamSource] = []

    async def probe(self, source: StreamSource, limit_s: float | None = None) -> ProbeAnswer:
        self.asked.append(source)
        await self.gate.wait()
        track = TrackConfig(1, Codec.H264, 90_000, width_px=1280, height_px=720)
        return ProbeAnswer((track,), b"\xff\xd8jpeg", 120, Transport.TCP, False)


class FakeAnalysis:
    """The analyst: away, or with this answer; the plug-ins are ours."""

    def __init__(self) -> None:
        self.newest: AnalystStatus | None = None
        self.is_fresh = False
        self.woken = 0
        self.shelf = PluginShelf()

    def plugins(self) -> Sequence[AnalyticInfo]:
        return self.shelf.infos()

    def wake(self) -> None:
        self.woken += 1


class FakeTimelines:
    """Recordings by stream."""

    def __init__(self) -> None:
        self.recorded: dict[StreamId, Timeline] = {}
        self.motions: list[Span] = []
        self.searched: list[Span] = []

    def timeline(self, stream_id: StreamId, span: Span) -> Timeline:
        return self.recorded.get(stream_id, Timeline((), ()))

    def days(self, stream_id: StreamId, span: Span, zone: tzinfo) -> dict[date, int]:
        assert str(zone) == "Europe/Sofia"
        return {date(2026, 11, 21): 90_500_000} if stream_id in self.recorded else {}

    def availability(self, stream_id: StreamId, span: Span) -> Availability:
        return availability_of(self.timeline(stream_id, span), span, span.end_us)

    def motion(self, stream_id: StreamId, span: Span) -> list[Span]:
        self.searched.append(span)
        return [one for one in self.motions if span.contains(one.start_us)]


class FakePages:
    """One page of settings, `site`, with one field; the rest of a page's rules is `app`'s."""

    def __init__(self, name: str) -> None:
        self.site = {"name": name}
        self.first_run_done = False

    def pages(self) -> list[PageState]:
        return [PageState("site", "Site", {"type": "object"}, dict(self.site), 1, None, "")]

    async def change(
        self, key: str, value: Mapping[str, object], by: Principal, from_where: str
    ) -> PageState:
        if key != "site":
            raise AppError(ErrorKind.MISSING, "There is no such page.")
        if not value.get("name"):
            raise FieldError({"name": "the name is empty"})
        self.site = {"name": str(value["name"])}
        return self.pages()[0]

    async def finish_first_run(self, by: Principal, from_where: str) -> None:
        self.first_run_done = True


class FakeAuthority:
    """The site's real authority, asked anew each time."""

    def __init__(self, keys: SiteKeys) -> None:
        self._keys = keys

    def state(self) -> AuthorityState:
        pem = self._keys.authority_pem()
        facts = certificate_facts(pem)
        return AuthorityState(pem, facts.der, facts.fingerprint_sha256, facts.not_after_us, (HOST,))


class FakeTown:
    """A simulated town that starts at once."""

    def __init__(self) -> None:
        self.is_running = False

    async def state(self) -> TownState:
        cameras = (TownCamera("Quay", "rtsp://127.0.0.1:8554/quay", ""),) if self.is_running else ()
        return TownState("running" if self.is_running else "absent", cameras)

    async def start(self) -> TownState:
        self.is_running = True
        return await self.state()


def lane(start_us: int, end_us: int, number: int = 0) -> RecordedSpan:
    """Something recorded."""
    return RecordedSpan(Span(start_us, end_us), number, RunId(new_id()))


@dataclass(eq=False)
class FakeLook:
    """A look whose messages come from a queue."""

    channel_id: ChannelId
    function: Function
    expires_us: int
    id: UUID = field(default_factory=new_id)
    mse_type: str | None = 'video/mp4; codecs="avc1.64001f"'
    epoch_us: int = 1_000
    messages: "asyncio.Queue[bytes | AppError | None]" = field(default_factory=lambda: asyncio.Queue(1024))
    is_closed: bool = False
    watchers: int = 0
    pieces: int = 3
    piece: bytes = b"\0" * 65536
    given: int = 0
    fault: AppError | None = None
    is_abandoned: bool = False
    offers: list[tuple[str, str]] = field(default_factory=list)

    async def live(self) -> AsyncIterator[bytes]:
        self.watchers += 1
        try:
            while (message := await self.messages.get()) is not None:
                if isinstance(message, AppError):
                    raise message
                yield message
        finally:
            self.watchers -= 1

    async def whep(self, offer: str, address: str) -> WhepAnswer:
        self.offers.append((offer, address))
        return WhepAnswer(self.id, "v=0 answer")

    def whep_sent(self, peer_id: UUID) -> SentPicture:
        if peer_id != self.id:
            raise AppError(ErrorKind.MISSING, "There is no such WebRTC viewer.")
        return SentPicture(7, 9)

    def end_whep(self, peer_id: UUID) -> None:
        if peer_id != self.id or not self.offers:
            raise AppError(ErrorKind.MISSING, "There is no such WebRTC viewer.")
        self.offers.clear()

    async def media(self, at_us: int, duration_us: int) -> MediaAnswer:
        if at_us > 1_000_000:
            return MediaAnswer(None, 2_000_000, None)
        return MediaAnswer(Span(at_us, at_us + duration_us), None, self.mse_type, content=b"ftyp")

    async def download(self) -> AsyncIterator[bytes]:
        if self.fault:
            raise self.fault
        try:
            for _ in range(self.pieces):
                self.given += 1
                yield self.piece
        finally:
            self.is_abandoned = self.given < self.pieces

    async def missing(self) -> tuple[ReasonedSpan, ...]:
        return (ReasonedSpan(5, 9, "closed"), ReasonedSpan(20, None, "unreachable"))

    async def thumbnail(self, at_us: int) -> bytes:
        return b"\xff\xd8" + at_us.to_bytes(8)

    async def picture(self, event_id: UUID) -> bytes:
        return b"\xff\xd8" + event_id.bytes

    async def close(self) -> None:
        self.is_closed = True


class FakeLooks:
    """Grants every look but those for the purpose `curiosity`."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.opened: list[FakeLook] = []
        self.wishes: list[Wish] = []
        self._owners: dict[UUID, PrincipalId] = {}

    async def open(self, wish: Wish) -> FakeLook:
        self.wishes.append(wish)
        if wish.purpose == "curiosity":
            raise AppError(ErrorKind.DENIED, "The purpose curiosity is not permitted.")
        look = FakeLook(wish.channel_id, wish.function, self._clock.now_us() + 3_600_000_000)
        self.opened.append(look)
        self._owners[look.id] = wish.principal.id
        return look

    def look(self, look_id: UUID, principal: Principal) -> FakeLook:
        for look in self.opened:
            if look.id == look_id and self._owners[look_id] == principal.id and not look.is_closed:
                return look
        raise AppError(ErrorKind.MISSING, "There is no such look.")

    async def end_session(self, principal: Principal) -> None:
        for look, wish in zip(self.opened, self.wishes, strict=False):
            if wish.principal.session_id == principal.session_id:
                await look.close()


class FakeRecordings:
    """Remembers what was to be recorded."""

    def __init__(self) -> None:
        self.spans: list[tuple[ChannelId, Span]] = []

    async def record_span(self, channel_id: ChannelId, span: Span) -> None:
        self.spans.append((channel_id, span))


class FakeSystem:
    """A machine that is well, not well, or broken."""

    def __init__(self) -> None:
        self.is_healthy = True
        self.fault: Exception | None = None
        self.delay_s = 0.0

    async def healthy(self) -> bool:
        return self.is_healthy

    async def status(self) -> dict[str, Any]:
        await asyncio.sleep(self.delay_s)
        if self.fault:
            raise self.fault
        return {"processes": [], "streams": [], "volumes": []}


@dataclass
class Town:
    """The site, its ports and its application."""

    keys: SiteKeys
    database: Database
    clock: ManualClock
    faces: Faces
    streams: FakeStreams
    prober: FakeProber
    timelines: FakeTimelines
    looks: FakeLooks
    system: FakeSystem
    app: Application
    drivers: FakeDrivers
    happened: Database
    said: list[Fact]
    analysis: FakeAnalysis
    recordings: FakeRecordings

    def client(self) -> httpx.AsyncClient:
        """A browser without a session, on the ASGI application itself."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=("192.0.2.7", 4711))
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN})

    async def client_as(self, name: str) -> httpx.AsyncClient:
        """A browser in which this person has signed in, sending the CSRF token."""
        session = await self.faces.accounts.sign_in(name, PASSWORD, "192.0.2.7")
        client = self.client()
        set_cookie(client, session.token.reveal())
        client.headers["X-CSRF-Token"] = session.csrf_token
        return client


def set_cookie(client: httpx.AsyncClient, token: str) -> None:
    """As if the browser had got it (`http.cookiejar` calls a host without a dot `localhost.local`)."""
    client.cookies.set("__Host-civiscope", token, domain="localhost.local", path="/")


def make_keys(folder: Path) -> SiteKeys:
    """The keys of a site; made once, copied for each test."""
    return SiteKeys.create(folder, "Harbour town", hosts=(HOST,))


async def prepare(folder: Path, keys: SiteKeys, *, people: bool) -> None:
    """A database with the default purposes, and with one person of each role or nobody."""
    folder.mkdir()
    with Database(folder / "server.db") as database:
        migrate_security(database)
        migrate_privacy(database)
        migrate_devices(database)
        migrate_analytics(database)
        migrate_notify(database)
        migrate_evidence(database)
        migrate_rules(database)
        migrate_alarms(database)
    with Database(folder / "events.db") as events:
        migrate_events(events)
    town = await open_town(folder, keys, ApiSettings(frozenset()))
    await town.faces.purposes.seed_defaults()
    for name, role in PEOPLE.items() if people else ():
        await town.faces.accounts.people.create_user(name, PASSWORD, [role], terminal_principal("test"))
    close_town(town)


async def open_town(folder: Path, keys: SiteKeys, settings: ApiSettings) -> Town:
    """The site whose database lies in `folder`."""
    clock = ManualClock(now_us=keys.identity.created_at_us + 60_000_000)
    database = Database(folder / "server.db")
    vault_door = VaultDoor(keys, clock, None, CHEAP_SCRYPT)
    audit = AuditLog(database, vault_door.audit_keys, folder, clock)
    cheap = AccountSettings(hashing=HashSettings(memory_kib=64, passes=1))
    accounts = Accounts(database, audit, clock, cheap, factor_vault=keys.factor_vault())
    purposes = PurposeRegister(database, audit, clock)
    looks, system, pages = FakeLooks(clock), FakeSystem(), FakePages(keys.identity.site_name)
    streams, prober, timelines, drivers = FakeStreams(), FakeProber(), FakeTimelines(), FakeDrivers()
    happened, said = Database(folder / "events.db"), list[Fact]()
    events = EventStore(happened, clock)

    async def unacknowledged(alarm: Alarm) -> None:
        said.append(AlarmUnacknowledged(alarm.id, alarm.channel_id, alarm.priority, 0, 0))

    alarms = Alarms(
        database, audit, AlarmFaces(said.append, partial(person_now, accounts), unacknowledged, clock)
    )
    rules = RuleBook(
        database, audit, RuleFaces(events, accounts.scopes, ActionPorts(alarms), ActionShelf(), clock)
    )
    analysis = FakeAnalysis()
    devices = Devices(database, vault_door.vault, clock)

    async def streams_of(channel_id: ChannelId) -> list[StreamId]:
        return [one.id for one in (await devices.camera(channel_id)).streams]

    recordings = FakeRecordings()
    faces = Faces(
        settings=settings,
        clock=clock,
        site_now=lambda: Site(keys.identity.site_id, pages.site["name"], "Europe/Sofia", HOST, "strictest"),
        authority=FakeAuthority(keys),
        pages=pages,
        town=FakeTown(),
        vault=VaultKeeper(vault_door, audit, VaultSettings(), clock),
        heads=HeadDesk(
            HeadPlaces(audit, HeadLedger(database, clock), keys.identity, folder),
            AuditPage,
            AuditSettings(),
            clock,
        ),
        accounts=accounts,
        audit=audit,
        purposes=purposes,
        devices=devices,
        drivers=drivers,
        analytics=AnalyticBook(database, audit, clock, analysis.shelf),
        analysis=analysis,
        streams=streams,
        prober=prober,
        timelines=timelines,
        looks=looks,
        events=events,
        rules=rules,
        alarms=alarms,
        system=system,
        notify=Notify(database, audit, vault_door.vault, clock),
        evidence=Evidence(
            database, audit, streams_of, clock, WordBox(keys.picture_sealer(), vault_door.keyring, clock)
        ),
        exports=make_exports(
            folder, keys, (database, audit, vault_door, clock), (accounts, purposes, devices)
        ),
        deletions=DeletionDesk(database.path.parent / "destroyed"),
        recordings=recordings,
    )
    app = create_app(faces)
    return Town(
        keys, database, clock, faces, streams, prober, timelines, looks, system, app, drivers, happened,
        said, analysis, recordings,
    )  # fmt: skip


def close_town(town: Town) -> None:
    """Close what was opened."""
    town.faces.accounts.close()
    town.database.close()
    town.happened.close()


def gap(start_us: int, end_us: int | None) -> ReasonedSpan:
    """A gap for a timeline."""
    return ReasonedSpan(start_us, end_us, "unreachable", "cable")
