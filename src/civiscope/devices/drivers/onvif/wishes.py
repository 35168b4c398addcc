"""Comparing and writing what the site wants of one device: its encoders, its clock, its time server."""

import datetime
import ipaddress

from civiscope.base import Clock, ProtocolError
from civiscope.devices.drivers.onvif.answers import Encoder, Profile
from civiscope.devices.drivers.onvif.choice import Lens, lenses
from civiscope.devices.drivers.onvif.description import CLOCK_LIMIT_MS
from civiscope.devices.drivers.onvif.encoder import edited, encoder_drift, fitted, plainer
from civiscope.devices.drivers.onvif.library import Request
from civiscope.devices.drivers.onvif.media import Media
from civiscope.devices.drivers.onvif.session import Session, UnsupportedError
from civiscope.devices.drivers.onvif.xml_tree import Node
from civiscope.devices.equipment import DesiredSettings, Drift, EncoderWish


class Wishes:
    """Writes only where something differs; reads back after each writing, and tells what did not stick."""

    def __init__(self, session: Session, media: Media, clock: Clock) -> None:
        self._session = session
        self._media = media
        self._clock = clock

    async def compare(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        """What is not as wanted; changes nothing."""
        drift: list[Drift] = []
        for index, lens in enumerate(lenses(await self._media.profiles())):
            for stream, wish in _streams(wanted):
                drift += await self._compare_stream(index, lens, stream, wish)
        return (*drift, *await self._compare_clock(wanted))

    async def configure(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        """The clock first: on some devices setting it ends everything else."""
        drift = [*await self._configure_clock(wanted)]
        for index, lens in enumerate(lenses(await self._media.profiles())):
            for stream, wish in _streams(wanted):
                drift += await self._configure_stream(index, lens, stream, wish)
        return tuple(drift)

    async def _compare_stream(
        self, index: int, lens: Lens, stream: str, wish: EncoderWish
    ) -> tuple[Drift, ...]:
        profile = lens.main if stream == "main" else lens.sub
        if profile is None or profile.encoder is None:
            return (_no_profile(index, stream),)
        return encoder_drift(wish, profile.encoder, index, stream)

    async def _configure_stream(
        self, index: int, lens: Lens, stream: str, wish: EncoderWish
    ) -> tuple[Drift, ...]:
        profile = lens.main if stream == "main" else await self._sub_profile(lens)
        if profile is None or profile.encoder is None:
            return (_no_profile(index, stream),)
        encoder = await self._current(profile.encoder)
        if encoder_drift(wish, encoder, index, stream):
            encoder = await self._write(wish, encoder, profile)
        return encoder_drift(wish, encoder, index, stream)

    async def _current(self, known: Encoder) -> Encoder:
        """As it is now; as the profile told it when the device does not give it alone."""
        try:
            return await self._media.encoder(known.token) or known
        except (UnsupportedError, ProtocolError):
            return known

    async def _write(self, wish: EncoderWish, encoder: Encoder, profile: Profile) -> Encoder:
        setting = fitted(wish, await self._media.options(encoder.token, profile.token), encoder)
        for attempt in dict.fromkeys((setting, plainer(setting, encoder))):
            try:
                await self._media.write_encoder(edited(encoder, attempt))
                break
            except UnsupportedError:
                continue
        return await self._current(encoder)

    async def _sub_profile(self, lens: Lens) -> Profile | None:
        """The one there is, else any smaller one, else a new one with an encoder that no profile uses."""
        if lens.main is None:
            return None
        if lens.sub is not None or len(lens.profiles) > 1:
            return lens.sub or lens.profiles[-1]
        used = {profile.encoder.token for profile in lens.profiles if profile.encoder}
        free = [one for one in await self._media.encoders_for(lens.main.token) if one.token not in used]
        if not free:
            return None
        try:
            made = await self._media.make_sub_profile(lens.main, free[0].token)
        except (UnsupportedError, ProtocolError):
            return None
        return next((one for one in await self._media.profiles() if one.token == made), None)

    async def _compare_clock(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        drift = []
        offset_us = self._session.offset_us
        if wanted.clock and offset_us is None:
            drift.append(Drift(0, "clock", "within 2 s", "not told"))
        elif wanted.clock and offset_us is not None and abs(offset_us) > CLOCK_LIMIT_MS * 1000:
            drift.append(Drift(0, "clock", "within 2 s", f"{offset_us / 1_000_000:+.0f} s"))
        if wanted.ntp_server is not None:
            found = await self._ntp_servers()
            if wanted.ntp_server not in found:
                drift.append(Drift(0, "ntp", wanted.ntp_server, ", ".join(found) or "none"))
        return tuple(drift)

    async def _ntp_servers(self) -> tuple[str, ...]:
        """Those in use: none while the device's clock is set by hand."""
        mode, _ = await self._clock_mode()
        answer = await self._session.optional(Request("devicemgmt", "GetNTP"))
        if answer is None or mode != "NTP":
            return ()
        hosts = [
            host.value("DNSname") or host.value("IPv4Address") or host.value("IPv6Address")
            for name in ("NTPManual", "NTPFromDHCP")
            for host in (answer.find("NTPInformation") or Node("")).all(name)[:8]
        ]
        return tuple(host[:256] for host in hosts if host)

    async def _clock_mode(self) -> tuple[str, bool]:
        """`NTP`, `Manual` or empty; and whether daylight saving is on."""
        answer = await self._session.optional(Request("devicemgmt", "GetSystemDateAndTime"))
        if answer is None:
            return "", False
        mode = answer.value("SystemDateAndTime", "DateTimeType")
        return mode, answer.value("SystemDateAndTime", "DaylightSavings").lower() in {"true", "1"}

    async def _configure_clock(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        settings = {one.setting for one in await self._compare_clock(wanted)}
        mode, is_daylight = await self._clock_mode() if settings else ("", False)
        try:
            if "ntp" in settings and wanted.ntp_server is not None:
                await self._set_ntp(wanted.ntp_server, is_daylight)
            elif "clock" in settings and mode != "NTP":
                await self._set_clock(is_daylight)
        except UnsupportedError:
            pass  # what was not done is told as drift below
        if settings:
            await self._session.refresh_clock()
        return await self._compare_clock(wanted)

    async def _set_ntp(self, server: str, is_daylight: bool) -> None:
        await self._session.call(
            Request("devicemgmt", "SetNTP", {"FromDHCP": False, "NTPManual": [_network_host(server)]})
        )
        fields = {"DateTimeType": "NTP", "DaylightSavings": is_daylight}
        await self._session.call(Request("devicemgmt", "SetSystemDateAndTime", fields))

    async def _set_clock(self, is_daylight: bool) -> None:
        """To our UTC, at the nearest whole second: the protocol has no smaller unit."""
        now = datetime.datetime.fromtimestamp((self._clock.now_us() + 500_000) // 1_000_000, datetime.UTC)
        fields = {
            "DateTimeType": "Manual",
            "DaylightSavings": is_daylight,
            "UTCDateTime": {
                "Time": {"Hour": now.hour, "Minute": now.minute, "Second": now.second},
                "Date": {"Year": now.year, "Month": now.month, "Day": now.day},
            },
        }
        await self._session.call(Request("devicemgmt", "SetSystemDateAndTime", fields))


def _streams(wanted: DesiredSettings) -> tuple[tuple[str, EncoderWish], ...]:
    named = (("main", wanted.main), ("sub", wanted.sub))
    return tuple((name, wish) for name, wish in named if wish is not None)


def _no_profile(index: int, stream: str) -> Drift:
    return Drift(index, f"{stream}.profile", "a stream of its own", "none")


def _network_host(server: str) -> dict[str, str]:
    """`tt:NetworkHost`."""
    try:
        version = ipaddress.ip_address(server).version
    except ValueError:
        return {"Type": "DNS", "DNSname": server}
    return {"Type": f"IPv{version}", f"IPv{version}Address": server}
