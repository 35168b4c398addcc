"""A site for the matrix: two cameras, a group, people of every kind, objects of one's own and of others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import httpx
from tests.api.export_town import NoRecordings
from tests.api.town import HOST, ORIGIN, PASSWORD, Town, set_cookie
from tests.security.authenticator import Authenticator

from civiscope.alarms import AlarmDraft
from civiscope.analytics import AnalyticDraft, ObservationMade
from civiscope.api import Application, create_app
from civiscope.app.event_pictures import EventPictures
from civiscope.base import ChannelId, PrincipalId, Span, StreamId, new_id
from civiscope.devices import Camera, CameraDraft, ChannelChange
from civiscope.events import told_by_analytic
from civiscope.evidence import ExportKind, ExportOrder, HoldDraft
from civiscope.ingest import FeedClient
from civiscope.notify import TargetDraft
from civiscope.privacy import Function, Presentation
from civiscope.security import (
    PERMISSIONS,
    GrantDraft,
    Permission,
    Principal,
    RelyingParty,
    Role,
    TimeProfile,
    TokenDraft,
    WeeklySpan,
    terminal_principal,
)
from civiscope.viewing import Viewing, ViewingFaces, Wish

HERE = "192.0.2.7"
PARTY = RelyingParty(HOST, "Harbour town", ORIGIN)
TEST = terminal_principal("test")


@dataclass(frozen=True)
class Visitor:
    """Somebody as the table of rights and the story say, not as the product computes it."""

    name: str
    site_roles: frozenset[Role] = frozenset()
    pier_roles: frozenset[Role] = frozenset()
    """Roles on the camera at the pier alone."""
    limits: frozenset[Permission] | None = None
    only_pier: bool = False
    """A token for the camera at the pier alone."""
    is_signed_in: bool = True
    given: str = "own"
    """How the roles are given: own, channel, group, outside."""

    @property
    def is_token(self) -> bool:
        return self.limits is not None

    def on_site(self, permission: Permission) -> bool:
        """It holds everywhere."""
        allowed = self.limits is None or permission in self.limits
        return bool(allowed and PERMISSIONS[permission].roles & self.site_roles and not self.only_pier)

    def at_pier(self, permission: Permission) -> bool:
        """It holds at the pier."""
        allowed = self.limits is None or permission in self.limits
        is_one = PERMISSIONS[permission].per_channel
        roles = self.site_roles | self.pier_roles if is_one else self.site_roles
        return bool(allowed and PERMISSIONS[permission].roles & roles and (is_one or not self.only_pier))


def _visitors() -> Iterator[Visitor]:
    for role in Role:
        one = frozenset({role})
        yield Visitor(f"{role} of the site", one)
        yield Visitor(f"{role} of a camera", pier_roles=one, given="channel")
        yield Visitor(f"{role} of a group", pier_roles=one, given="group")
        yield Visitor(f"{role} outside the hours", given="outside", site_roles=frozenset())
    all_roles, wall = (
        frozenset({Role.ADMINISTRATOR}),
        frozenset({Permission.CHANNEL_LIST, Permission.VIDEO_LIVE}),
    )
    most = frozenset(Permission) - {
        Permission.USER_MANAGE,
        Permission.TOKEN_MANAGE,
        Permission.PRIVACY_MANAGE,
    }
    yield Visitor("token for everything it may", all_roles, limits=most)
    yield Visitor("token of a wall of screens", all_roles, limits=wall)
    yield Visitor("token for one camera", all_roles, limits=wall, only_pier=True)
    yield Visitor("nobody", is_signed_in=False)
    yield Visitor("somebody shut out", is_signed_in=False, given="disabled")
    yield Visitor("somebody signed out", is_signed_in=False, given="ended")
    yield Visitor("token that was removed", is_signed_in=False, given="removed token")


VISITORS: Mapping[str, Visitor] = {visitor.name: visitor for visitor in _visitors()}


@dataclass
class World:
    """The site with real looks, one visitor at its door, and what is whose."""

    town: Town
    app: Application
    viewing: Viewing
    visitor: Visitor
    client: httpx.AsyncClient
    pier: Camera
    gate: Camera
    own: dict[str, UUID] = field(default_factory=dict)
    foreign: dict[str, UUID] = field(default_factory=dict)

    def object_of(self, path: str, name: str, kind: str) -> UUID | None:
        """The object of a path's parameter: own, another's, one that never was; None: there is none."""
        if kind == "unknown":
            return new_id()
        held = self.own if kind == "own" else self.foreign
        return held.get(f"{path} {name}", held.get(name))


async def make_world(town: Town, visitor: Visitor, folder: Path) -> World:
    """Everything that calls of the table may name."""
    devices, accounts = town.faces.devices, town.faces.accounts
    pier = await devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/a"))
    gate = await devices.add_camera(CameraDraft("Gate", "rtsp://192.0.2.2/a"))
    group = await devices.groups.add("Harbour")
    await devices.change_cameras([pier.channel_id], ChannelChange(group_id=group.id))
    accounts.scopes.set_groups({group.id: frozenset({pier.channel_id})})

    async def stream_of(channel_id: ChannelId) -> StreamId:
        return (await devices.camera(channel_id)).main.id

    viewing = Viewing(
        ViewingFaces(
            feed=FeedClient(folder / "feed.sock", "server", town.clock),
            recordings=NoRecordings(),
            audit=town.faces.audit,
            purposes=town.faces.purposes,
            stream_of=stream_of,
            principal_now=accounts.principal_now,
            clock=town.clock,
            pictures=EventPictures(town.faces.events, town.keys.keyring()),
        )
    )
    app = create_app(replace(town.faces, looks=viewing))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(HERE, 4711))
    client = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN})
    world = World(town, app, viewing, visitor, client, pier, gate)
    world.own |= {"channel_id": pier.channel_id, "device_id": pier.device_id, "group_id": group.id}
    world.foreign |= {"channel_id": gate.channel_id, "device_id": gate.device_id}
    await _happenings(world)
    for held, channel_id in ((world.own, pier.channel_id), (world.foreign, gate.channel_id)):
        bookmark = await town.faces.evidence.add_bookmark(channel_id, 1, "The van", TEST)
        hold = await town.faces.evidence.hold(HoldDraft(channel_id, Span(1, 9), "Case 7"), TEST)
        held |= {"bookmark_id": bookmark.id, "hold_id": hold.id}
    hook = TargetDraft("Duty room", "webhook", {"url": "https://192.0.2.9/"}, is_on=False)
    world.own["target_id"] = (await town.faces.notify.add(hook, TEST)).id
    await _others(world)
    principal = await _enter(world, group.id)
    if principal is not None:
        await _own_objects(world, principal)
    return world


async def _happenings(world: World) -> None:
    """An event with a picture and an alarm at each of the two cameras; the rule of a new site."""
    sealer = world.town.keys.picture_sealer()
    for held, camera in ((world.own, world.pier), (world.foreign, world.gate)):
        event_id, at_us = new_id(), 5_000_000
        picture = sealer.seal(event_id, camera.main.id, at_us, b"\xff\xd8" + event_id.bytes)
        fact = ObservationMade(
            event_id, camera.channel_id, camera.main.id, new_id(), "zone", "zone.entered", "occurred", at_us,
            "person", zone="Mole", picture=picture,
        )  # fmt: skip
        event = await world.town.faces.events.record(told_by_analytic(fact))
        assert event is not None
        draft = AlarmDraft(
            new_id(), "Zone", "Person entered Mole", event.id, at_us, channel_id=camera.channel_id
        )
        alarm = await world.town.faces.alarms.raise_alarm(draft)
        held |= {"event_id": event.id, "alarm_id": alarm.id}
    await world.town.faces.rules.load()
    world.own["rule_id"] = world.town.faces.rules.all()[0].id


async def _others(world: World) -> None:
    """Vera, whom administrators manage; Olga, whose things are nobody else's; Anton, who owns tokens."""
    accounts = world.town.faces.accounts
    vera = await accounts.people.create_user("Vera", PASSWORD, [Role.VIEWER], TEST)
    session = await accounts.sign_in("Vera", PASSWORD, HERE)
    grant = await accounts.people.grant(vera.id, GrantDraft(Role.OPERATOR, world.pier.channel_id), TEST)
    olga = await accounts.people.create_user("Olga", PASSWORD, [Role.ADMINISTRATOR], TEST)
    hers = await accounts.sign_in("Olga", PASSWORD, HERE)
    token, _ = await accounts.tokens.make(
        TokenDraft("Hers", frozenset({Permission.VIDEO_LIVE}), None, world.town.clock.now_us() + 10**12),
        hers.principal,
        HERE,
    )
    assert session.principal.session_id is not None
    assert hers.principal.session_id is not None
    world.own |= {
        "user_id": vera.id,
        "grant_id": grant.id,
        "/users/{user_id}/sessions/{session_id} session_id": session.principal.session_id,
    }
    world.foreign |= {
        "session_id": hers.principal.session_id,
        "passkey_id": await _passkey(world, hers.principal),
        "token_id": token.id,
        "look_id": (await look(world, hers.principal, Function.LIVE)) or olga.id,
        "export_id": await _export(world, hers.principal),
    }


async def _enter(world: World, group_id: UUID) -> Principal | None:
    """Bring the visitor to the door; who it is there, None if nobody."""
    visitor, accounts = world.visitor, world.town.faces.accounts
    if visitor.name == "nobody":
        return None
    is_program = visitor.is_token or visitor.given == "removed token"
    roles = {Role.ADMINISTRATOR} if is_program else visitor.site_roles
    wanda = await accounts.people.create_user("Wanda", PASSWORD, roles, TEST)
    await _give(world, wanda.id, group_id)
    session = await accounts.sign_in("Wanda", PASSWORD, HERE)
    if is_program:
        channels = frozenset({world.pier.channel_id}) if visitor.only_pier else None
        limits = visitor.limits or frozenset({Permission.CHANNEL_LIST})
        draft = TokenDraft("Program", limits, channels, world.town.clock.now_us() + 10**12)
        token, text = await accounts.tokens.make(draft, session.principal, HERE)
        world.client.headers["Authorization"] = f"Bearer {text.reveal()}"
        del world.client.headers["Origin"]
        if visitor.given == "removed token":
            await accounts.tokens.remove(token.id, session.principal, HERE)
            return None
        return await accounts.tokens.principal(text.reveal(), HERE)
    set_cookie(world.client, session.token.reveal())
    world.client.headers["X-CSRF-Token"] = session.csrf_token
    if visitor.given == "disabled":
        await accounts.people.change(wanda.id, TEST, disabled=True)
    elif visitor.given == "ended":
        await accounts.sign_out(session.token.reveal())
    return await accounts.principal_now(session.principal)


async def _give(world: World, user_id: PrincipalId, group_id: UUID) -> None:
    visitor, people = world.visitor, world.town.faces.accounts.people
    for role in visitor.pier_roles:
        draft = GrantDraft(role, world.pier.channel_id)
        await people.grant(
            user_id, GrantDraft(role, group_id=group_id) if visitor.given == "group" else draft, TEST
        )
    if visitor.given == "outside":
        role = next(one for one in Role if visitor.name.startswith(f"{one} "))
        now_us = world.town.clock.now_us()
        minute = now_us // 60_000_000 % 1440
        weekday = (now_us // 86_400_000_000 + 3) % 7
        hours = WeeklySpan((weekday + 3) % 7, minute, (minute + 60) % 1440)
        for draft in (
            GrantDraft(role, world.pier.channel_id, profile=TimeProfile("Another day", (hours,))),
            GrantDraft(role, profile=TimeProfile("Another day", (hours,))),
            GrantDraft(role, from_us=now_us + 10**12),
        ):
            await people.grant(user_id, draft, TEST)


async def _own_objects(world: World, principal: Principal) -> None:
    accounts = world.town.faces.accounts
    zone = {"name": "Door", "zone": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}
    kept = await world.town.faces.analytics.add(
        world.pier.channel_id, AnalyticDraft("zone", "Door", zone), principal
    )
    world.own["analytic_id"] = kept.id
    if world.visitor.at_pier(Permission.VIDEO_EXPORT):
        world.own["export_id"] = await _export(world, principal)
    for path, function in (
        ("/looks/{look_id}", Function.LIVE),
        ("/looks/{look_id}/live", Function.LIVE),
        ("/looks/{look_id}/whep", Function.LIVE),
        ("/looks/{look_id}/whep/{peer_id}", Function.LIVE),
        ("/looks/{look_id}/whep/{peer_id}/sent", Function.LIVE),
        ("/looks/{look_id}/media", Function.PLAYBACK),
        ("/looks/{look_id}/download", Function.EXPORT),
        ("/looks/{look_id}/pictures/{event_id}", Function.PLAYBACK),
        ("/looks/{look_id}/thumbnail", Function.PLAYBACK),
    ):
        mine = await look(world, principal, function)
        if mine is not None:
            world.own[f"{path} look_id"] = mine
    if principal.owner_id is not None:
        return
    second = await accounts.sign_in("Wanda", PASSWORD, HERE)
    assert second.principal.session_id is not None
    world.own["session_id"] = second.principal.session_id
    world.own["passkey_id"] = await _passkey(world, principal)
    if world.visitor.on_site(Permission.TOKEN_MANAGE):
        draft = TokenDraft("Mine", frozenset({Permission.VIDEO_LIVE}), None, world.town.clock.now_us() + 9)
        world.own["token_id"] = (await accounts.tokens.make(draft, principal, HERE))[0].id


async def look(world: World, principal: Principal, function: Function) -> UUID | None:
    """A look at the pier, if the visitor may have one by the table."""
    is_visitor = principal.name != "Olga"
    if is_visitor and not world.visitor.at_pier(Permission(f"video.{function.value}")):
        return None
    span = None if function is Function.LIVE else Span(1_000_000, 9_000_000)
    wish = Wish(principal, "public_safety", function, world.pier.channel_id, span, Presentation.RAW, HERE)
    return (await world.viewing.open(wish)).id


async def _export(world: World, principal: Principal) -> UUID:
    order = ExportOrder(
        (world.pier.channel_id,), Span(1, 9_000_000), ExportKind.CASE, "public_safety", "Case 7"
    )
    return (await world.town.faces.exports.ask(order, principal, HERE)).job.id


async def _passkey(world: World, principal: Principal) -> UUID:
    keys = world.town.faces.accounts.passkeys
    begun = await keys.begin_adding(principal, PASSWORD, PARTY, HERE)
    answer = Authenticator(ORIGIN).create(begun.options)
    return (await keys.add(principal, begun.ticket, "Key", answer, PARTY, HERE)).id
