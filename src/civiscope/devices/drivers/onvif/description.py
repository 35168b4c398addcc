"""Everything about one device in one go, within the driver's deadline."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

from civiscope.devices.drivers.onvif.answers import read_identity, read_scopes, short
from civiscope.devices.drivers.onvif.choice import Lens, lenses, offered
from civiscope.devices.drivers.onvif.library import NAMESPACES, Request
from civiscope.devices.drivers.onvif.media import Media
from civiscope.devices.drivers.onvif.session import Session, with_port
from civiscope.devices.drivers.onvif.xml_tree import Node
from civiscope.devices.equipment import Ability, DeviceDescription, DeviceIdentity, OfferedInput

CLOCK_LIMIT_MS = 2_000
DAY_MS = 86_400_000


async def describe(session: Session, media: Media) -> DeviceDescription:
    """Identity, inputs, abilities, clock; what is optional and missing is left out.

    The first call that needs a login goes alone: cameras lock a user out after five wrong passwords, and one
    try must not use them up.
    """
    told = await session.call(Request("devicemgmt", "GetDeviceInformation"))  # alone
    identity, profiles = await asyncio.gather(_identity(session, told), media.profiles())
    found = lenses(profiles)
    inputs = await asyncio.gather(*(_input(session, media, index, lens) for index, lens in enumerate(found)))
    offset_ms = None if session.offset_us is None else session.offset_us // 1000
    return DeviceDescription(
        identity=identity,
        inputs=tuple(inputs),
        abilities=_abilities(session, inputs),
        clock_offset_ms=offset_ms,
        warnings=(*session.warnings, *clock_warnings(offset_ms), *_missing(inputs)),
    )


def clock_warnings(offset_ms: int | None) -> tuple[str, ...]:
    """What to say of a clock: nothing within 2 s, and plainly when it is a day off."""
    if offset_ms is None or abs(offset_ms) <= CLOCK_LIMIT_MS:
        return ()
    side = "ahead of" if offset_ms > 0 else "behind"
    if abs(offset_ms) >= DAY_MS:
        days = abs(offset_ms) // DAY_MS
        return (
            f"The device's clock is {days} day{'s' if days > 1 else ''} {side} ours: what it writes into its "
            "picture and its events is wrong. Set its clock before it is used as evidence.",
        )
    return (
        f"The device's clock is {round(abs(offset_ms) / 1000)} s {side} ours. Set its clock, or give it NTP.",
    )


async def _identity(session: Session, told: Node) -> DeviceIdentity:
    scopes, reference = await asyncio.gather(
        session.optional(Request("devicemgmt", "GetScopes")),
        session.optional(Request("devicemgmt", "GetEndpointReference")),
    )
    endpoint = short(reference.value("GUID")) if reference else ""
    if endpoint and not endpoint.lower().startswith("urn:"):
        endpoint = f"urn:uuid:{endpoint}"
    identity = read_identity(told, endpoint)
    words = read_scopes(node.value("ScopeItem") for node in scopes.all("Scopes")[:64]) if scopes else {}
    if identity.model or not words:
        return identity
    model = words.get("hardware") or words.get("name", "")
    return DeviceIdentity(
        identity.maker, model, identity.firmware, identity.serial, identity.hardware, identity.endpoint
    )


async def _input(session: Session, media: Media, index: int, lens: Lens) -> OfferedInput:
    main = lens.main
    urls = await asyncio.gather(
        *(media.stream_uri(profile.token) for profile in lens.profiles),
        media.snapshot_uri(main.token) if main else _nothing(),
    )
    usable = await asyncio.gather(*(_stream_from_here(session, url) for url in urls[:-1]))
    by_token = {profile.token: url for profile, url in zip(lens.profiles, usable, strict=True)}
    return OfferedInput(
        index=index,
        token=lens.token,
        name=lens.name,
        streams=offered(lens, by_token),
        snapshot_url=session.from_here(urls[-1]) if urls[-1] else "",
        has_ptz=session.has(NAMESPACES["ptz"]) and any(profile.has_ptz for profile in lens.profiles),
        has_audio=any(profile.has_audio for profile in lens.profiles),
    )


async def _nothing() -> str:
    return ""


async def _stream_from_here(session: Session, url: str) -> str:
    """A stream may lie on another machine than the device service; one that nobody reaches is replaced."""
    parts = urlsplit(url)
    default = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}.get(parts.scheme)
    if default is None or not parts.hostname:
        return ""
    here = urlunsplit(parts._replace(netloc=with_port(session.host, parts.port)))
    if session.is_same_host(parts.hostname):
        return here
    if not await session.connects(parts.hostname, parts.port or default):
        session.warn(
            "The device tells another address for its streams than the one typed, and nobody answers there "
            "(network translation, or an old setting in its network menu); the address typed is used."
        )
        host = f"[{session.host}]" if ":" in session.host else session.host
        port = f":{parts.port}" if parts.port else ""
        return urlunsplit(parts._replace(netloc=host + port))
    return url


def _abilities(session: Session, inputs: list[OfferedInput]) -> tuple[Ability, ...]:
    can = {
        Ability.SNAPSHOT: any(one.snapshot_url for one in inputs),
        Ability.PTZ: any(one.has_ptz for one in inputs),
        Ability.EVENTS: session.has(NAMESPACES["events"]),
        Ability.IMAGING: session.has(NAMESPACES["imaging"]),
        Ability.CLOCK: session.offset_us is not None,
        Ability.ENCODER: any(one.streams for one in inputs),
    }
    return tuple(ability for ability, has in can.items() if has)


def _missing(inputs: list[OfferedInput]) -> tuple[str, ...]:
    if any(one.streams for one in inputs):
        return ()
    return ("The device speaks ONVIF but offers no stream. Look at its own page whether video is set up.",)
