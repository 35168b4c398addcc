"""Trying a device before it is added: who takes its address, what it tells, what its main stream shows.

No I/O here: drivers and the opener of streams are ports. Whatever goes wrong on the way to a device is a
`TroubleReport`, told within `TRY_LIMIT_S`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from civiscope.base import AppError, Clock, ErrorKind
from civiscope.devices.address import BARE, ONVIF_SERVICE_PATH, CameraAddress, parse_address
from civiscope.devices.checked import (
    CheckedDevice,
    check_device,
    check_file,
    stream_to_try,
    streams_of,
)
from civiscope.devices.device_book import device_address
from civiscope.devices.driver import DriverFace
from civiscope.devices.equipment import (
    Described,
    DeviceDescription,
    Trouble,
    TroubleError,
    TroubleReport,
)
from civiscope.devices.model import SUB, DeviceDraft, StreamAddress, Transport
from civiscope.media import TrackConfig

TRY_LIMIT_S = 6.0
_ASK_LIMIT_S = 5.8
"""Of it for asking the device: drivers end by 5.6 s themselves, with words that tell more."""
_PICTURE_S = 1.0
"""What is left for the picture at least: a device slow to answer is told of a second late."""
_MARGIN_S = 0.2
ONVIF_PORTS = (80, 8080, 8000, 2020, 8899)
RTSP_PORTS = (554, 8554)
"""Where devices of common makers answer; asked when a host alone was typed."""
CLOCK_TOLERANCE_MS = 2_000
_DAY_MS = 86_400_000
_MOST_TELLING_FIRST = (
    Trouble.GATE,
    Trouble.ADDRESS,
    Trouble.AUTHENTICATION,
    Trouble.CERTIFICATE,
    Trouble.CODEC,
    Trouble.STREAM,
    Trouble.NOT_A_CAMERA,
    Trouble.TIMEOUT,
    Trouble.REFUSED,
    Trouble.UNREACHABLE,
    Trouble.DRIVER,
)
"""Of several troubles at one host, the first of these tells most of what to do."""


@dataclass(frozen=True, slots=True)
class OpenedStream:
    """What a stream showed when it was opened once."""

    tracks: tuple[TrackConfig, ...]
    picture_jpeg: bytes | None
    transport: Transport
    sends_password_in_clear: bool


class StreamOpener(Protocol):
    """Opens a stream once."""

    async def open(self, stream: StreamAddress, limit_s: float) -> OpenedStream:
        """What it shows; TroubleError within the limit."""
        ...


@dataclass(frozen=True, slots=True)
class Caution:
    """What does not stop a device from being added, and should be known."""

    code: str
    """`clock`, `clock_day`, `password_in_clear`, `no_sub_stream`, `device`."""
    words: str


@dataclass(frozen=True, slots=True)
class AskedDevice:
    """A device that was asked: what it told, or the trouble; one of the two."""

    draft: DeviceDraft
    """With the address and driver that answered, or as it was typed."""
    told: DeviceDescription | None = None
    trouble: TroubleReport | None = None


@dataclass(frozen=True, slots=True)
class TriedDevice:
    """What became of trying a device."""

    asked: AskedDevice
    opened: OpenedStream | None
    trouble: TroubleReport | None
    cautions: tuple[Caution, ...]
    took_ms: int


class Adding:
    """Asks and tries devices; stores nothing."""

    def __init__(
        self, drivers: DriverFace, opener: StreamOpener, clock: Clock, import_folders: Sequence[Path] = ()
    ) -> None:
        self._drivers = drivers
        self._opener = opener
        self._clock = clock
        self._import_folders = import_folders

    async def ask(self, draft: DeviceDraft) -> AskedDevice:
        """What the device tells of itself; a draft that cannot be right is a trouble with its address."""
        try:
            typed = parse_address(draft.address)
            if typed.address.scheme != BARE:
                return await self._ask_within(draft, check_device(draft, self._import_folders))
        except AppError as error:
            if error.kind is not ErrorKind.INVALID:
                raise
            return AskedDevice(draft, trouble=TroubleReport(Trouble.ADDRESS, error.message, ""))
        found = replace(
            draft,
            username=draft.username or typed.username,
            password=draft.password or typed.password,
        )
        return await self._find(found, typed.address)

    async def try_device(self, draft: DeviceDraft, index: int = 0) -> TriedDevice:
        """Ask it and open the main stream of one input; everything within `TRY_LIMIT_S`."""
        start_us = self._clock.monotonic_us()
        asked = await self.ask(draft)
        opened, trouble = None, asked.trouble
        if asked.told is not None:
            used_s = (self._clock.monotonic_us() - start_us) / 1e6
            try:
                limit_s = max(TRY_LIMIT_S - used_s - _MARGIN_S, _PICTURE_S)
                opened = await self._open(asked.draft, asked.told, index, limit_s)
            except TroubleError as error:
                trouble = error.report
        took_ms = (self._clock.monotonic_us() - start_us) // 1000
        cautions = () if asked.told is None else _cautions(asked, opened, index)
        return TriedDevice(asked, opened, trouble, cautions, took_ms)

    async def _open(
        self, draft: DeviceDraft, told: DeviceDescription, index: int, limit_s: float
    ) -> OpenedStream:
        try:
            main = streams_of(told, index, self._import_folders)[0]
        except AppError as error:
            raise TroubleError(TroubleReport(Trouble.STREAM, error.message, "")) from error
        checked = check_device(draft, self._import_folders)
        return await self._opener.open(stream_to_try(checked, main.address, audio=True), limit_s)

    async def _ask_within(self, draft: DeviceDraft, checked: CheckedDevice) -> AskedDevice:
        try:
            async with asyncio.timeout(_ASK_LIMIT_S):
                return await self._ask_one(draft, checked)
        except TimeoutError:
            return AskedDevice(draft, trouble=_silent(checked.address))

    async def _ask_one(self, draft: DeviceDraft, checked: CheckedDevice) -> AskedDevice:
        named = replace(draft, driver=checked.driver)
        check_file(checked.address, self._import_folders)
        try:
            answer = await self._drivers.describe(
                checked.driver, device_address(checked, self._import_folders)
            )
        except AppError as error:
            if error.kind not in {ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT, ErrorKind.MISSING}:
                raise
            answer = Described(trouble=TroubleReport(Trouble.DRIVER, error.message, "Try again in a moment."))
        if answer.description is None and answer.trouble is None:
            answer = Described(trouble=_silent(checked.address))
        return AskedDevice(named, answer.description, answer.trouble)

    async def _find(self, draft: DeviceDraft, host: CameraAddress) -> AskedDevice:
        """Ask at every port where devices answer, all at once: ONVIF wins, RTSP is for the rest."""
        tries = [replace(draft, address=one.url) for one in _candidates(host, draft.driver)]
        failed: list[TroubleReport] = []
        plain: AskedDevice | None = None
        waiting = {
            asyncio.ensure_future(self._ask_within(one, check_device(one, self._import_folders)))
            for one in tries
        }
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for asked in [task.result() for task in done]:
                    if asked.told is not None and asked.draft.driver == "onvif":
                        return asked
                    if asked.told is not None:
                        plain = plain or asked
                    elif asked.trouble is not None:
                        failed.append(asked.trouble)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return plain or AskedDevice(draft, trouble=_most_telling(host, failed))


def _candidates(host: CameraAddress, driver: str | None) -> list[CameraAddress]:
    onvif = [
        host.at("http", port, ONVIF_SERVICE_PATH) for port in ((host.port,) if host.port else ONVIF_PORTS)
    ]
    rtsp = [host.at("rtsp", port, "/") for port in ((host.port,) if host.port else RTSP_PORTS)]
    return {"onvif": onvif, "rtsp": rtsp}.get(driver or "", [*onvif, *rtsp])


def _most_telling(host: CameraAddress, troubles: Sequence[TroubleReport]) -> TroubleReport:
    first = min(troubles, key=lambda report: _MOST_TELLING_FIRST.index(report.trouble))
    if first.trouble is Trouble.REFUSED:
        ports = ", ".join(str(one) for one in ((host.port,) if host.port else (*ONVIF_PORTS, *RTSP_PORTS)))
        return TroubleReport(
            Trouble.REFUSED,
            f"{host.host} is there, but nothing listens where cameras answer (port {ports}).",
            "Check that it is a camera and that ONVIF or RTSP is switched on, or type its whole address.",
        )
    if first.trouble is Trouble.STREAM:
        return replace(
            first, advice="Type the whole address of its stream, like rtsp://192.168.1.20/stream1."
        )
    return first


def _silent(address: CameraAddress) -> TroubleReport:
    return TroubleReport(
        Trouble.TIMEOUT,
        f"{address.host or 'The file'} did not answer in time.",
        "Check address, cable and power, and try again.",
    )


def _cautions(asked: AskedDevice, opened: OpenedStream | None, index: int) -> tuple[Caution, ...]:
    assert asked.told is not None  # who did not answer has no cautions
    told, found = asked.told, [Caution("device", words) for words in asked.told.warnings]
    offset_ms = told.clock_offset_ms
    if offset_ms is not None and abs(offset_ms) > CLOCK_TOLERANCE_MS:
        found.append(_clock_caution(offset_ms))
    if opened is not None and opened.sends_password_in_clear:
        words = (
            "The camera takes its password unencrypted: whoever listens on the network can read it. "
            "Switch on Digest or TLS in its menu."
        )
        found.append(Caution("password_in_clear", words))
    streams = [stream for one in told.inputs if one.index == index for stream in one.streams]
    if asked.draft.driver == "onvif" and streams and all(one.profile != SUB for one in streams):
        words = "The camera offers no second, small stream: analysis will need more of this machine."
        found.append(Caution("no_sub_stream", words))
    return tuple(found)


def _clock_caution(offset_ms: int) -> Caution:
    way = "ahead of" if offset_ms > 0 else "behind"
    if abs(offset_ms) >= _DAY_MS:
        days = round(abs(offset_ms) / _DAY_MS)
        words = f"The camera's clock is {days} day{'s' if days != 1 else ''} {way} ours."
        return Caution("clock_day", f"{words} Its own time stamps are wrong: have it set with “Configure”.")
    words = f"The camera's clock is {abs(offset_ms) / 1000:.0f} s {way} ours."
    return Caution("clock", f"{words} Have it set with “Configure”.")
