"""The driver of cameras that send JPEG pictures over HTTP: as a multipart stream, or one at each question."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

from civiscope.devices.driver import Driver, DriverPorts, Equipment
from civiscope.devices.drivers.http_get import HEAD_LIMIT_BYTES, Answer, Head, get
from civiscope.devices.drivers.line import target_of
from civiscope.devices.drivers.troubles import no_stream, unread_codec
from civiscope.devices.drivers.unsteered import Unsteered
from civiscope.devices.equipment import (
    Ability,
    DeviceAddress,
    DeviceDescription,
    DeviceIdentity,
    OfferedInput,
    OfferedStream,
    TroubleError,
)
from civiscope.media.wire import without_user_info

PICTURE_LIMIT_BYTES = 8 * 1024 * 1024
_MULTIPART = "multipart/x-mixed-replace"
_PICTURES = frozenset({"image/jpeg", "image/jpg"})
_PART_HEAD = re.compile(rb"\A\s*--[^\r\n]*\r?\n(.*?)\r?\n\r?\n", re.DOTALL)
_PART_LENGTH = re.compile(rb"^content-length:\s*(\d{1,8})\s*$", re.IGNORECASE | re.MULTILINE)
_PART_TYPE = re.compile(rb"^content-type:\s*([^\s;]+)", re.IGNORECASE | re.MULTILINE)
_FRAME_HEADS = frozenset({0xC0, 0xC1, 0xC2})
_IN_CLEAR = (
    "The camera wants the password itself over a connection that anyone on the way can read. Choose Digest "
    "or HTTPS in its menu if it has them."
)


class MjpegDevice(Unsteered):
    """One typed address; each question is a request of its own."""

    def __init__(self, device: DeviceAddress, ports: DriverPorts) -> None:
        self._device = device
        self._ports = ports
        self._target = target_of(device.address)

    async def describe(self) -> DeviceDescription:
        """One input with one stream, the address typed, of the size of its first picture."""
        async with get(self._target, self._device, self._ports) as answer:
            self._check(answer.head)
            picture = await self._picture(answer)
            is_single = answer.head.content_type != _MULTIPART
            offset_ms = self._offset_ms(answer.head)
            in_clear = answer.sent_password_in_clear
        width_px, height_px = size_of(picture)
        url = self._device.address
        stream = OfferedStream("main", "", url, "mjpeg", width_px, height_px)
        return DeviceDescription(
            DeviceIdentity(model=answer.head.headers.get("Server")),
            (OfferedInput(0, "", "", (stream,), snapshot_url=url if is_single else ""),),
            (Ability.SNAPSHOT,),
            offset_ms,
            (_IN_CLEAR,) if in_clear else (),
        )

    async def snapshot(self, index: int) -> bytes:
        """The next picture."""
        if index != 0:
            raise no_stream(f"The device has one input, and it is number 0, not {index}.", "")
        async with get(self._target, self._device, self._ports) as answer:
            self._check(answer.head)
            return await self._picture(answer)

    def _check(self, head: Head) -> None:
        """TroubleError unless pictures follow."""
        host = self._target.host
        if 300 <= head.status < 400:
            place = without_user_info(head.headers.get("Location")).partition("?")[0]
            shown = "".join(c for c in place if c.isprintable())[:200] or "it does not say where"
            raise no_stream(
                f"{host} points to another address ({shown}), which is not followed.",
                "If you know it, type that address instead.",
            )
        if head.status != 200:
            raise no_stream(f"{host} has no pictures at this path (it answered {head.status}).")
        if head.content_type not in {_MULTIPART, *_PICTURES}:
            kind = head.content_type[:60] or "something it has no name for"
            raise no_stream(
                f"{host} answers at this path with {kind}, not with pictures.",
                "Type the path of its Motion JPEG stream or snapshot; if it speaks ONVIF, type onvif:// and "
                "its host.",
            )

    async def _picture(self, answer: Answer) -> bytes:
        """The first whole JPEG of the body."""
        is_parts = answer.head.content_type == _MULTIPART
        data = bytearray()
        async for piece in answer.body():
            data += piece
            if len(data) > PICTURE_LIMIT_BYTES:
                raise no_stream(
                    f"{self._target.host} sends pictures larger than 8 MiB.", "Make them smaller."
                )
            if is_parts and (found := self._part(data, answer.head.boundary)) is not None:
                return _whole(found, self._target.host)
        if is_parts:
            raise no_stream(f"{self._target.host} ended its stream before the first picture.", "Try again.")
        return _whole(bytes(data), self._target.host)

    def _part(self, data: bytearray, boundary: bytes) -> bytes | None:
        """The first part, once it is whole (RFC 2046 §5.1); cameras put a length, or the next boundary."""
        head = _PART_HEAD.match(data)
        if head is None:
            if len(data) > HEAD_LIMIT_BYTES:
                raise no_stream(f"{self._target.host} sends parts that cannot be told apart.", "")
            return None
        kind = _PART_TYPE.search(head[1])
        if kind is not None and kind[1].decode("latin-1").lower() not in _PICTURES:
            raise unread_codec(
                f"{self._target.host} sends parts of kind {kind[1][:40].decode('latin-1')}, not JPEG."
            )
        start = head.end()
        if length := _PART_LENGTH.search(head[1]):
            end = start + int(length[1])
            return bytes(data[start:end]) if len(data) >= end else None
        mark = data.find(boundary or b"\n--", start)
        return bytes(data[start:mark]).rstrip(b"\r\n") if mark >= 0 else None

    def _offset_ms(self, head: Head) -> int | None:
        """The device's clock from `Date` (RFC 9110 §6.6.1), good to a second."""
        try:
            said = parsedate_to_datetime(head.headers.get("Date"))
        except (ValueError, TypeError, OverflowError):
            return None
        if said.tzinfo is None:
            return None
        return round(said.timestamp() * 1000) - self._ports.clock.now_us() // 1000


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels from the frame header of a JPEG (ITU-T T.81 §B.2.2); 0, 0 where none is."""
    at = 2
    while at + 9 <= len(picture) and picture[at] == 0xFF:
        marker = picture[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _FRAME_HEADS:
            return int.from_bytes(picture[at + 7 : at + 9]), int.from_bytes(picture[at + 5 : at + 7])
        at += 2 + int.from_bytes(picture[at + 2 : at + 4])
    return 0, 0


def _whole(picture: bytes, host: str) -> bytes:
    if picture[:2] != b"\xff\xd8" or size_of(picture) == (0, 0):
        raise _no_jpeg(host)
    return picture


def _no_jpeg(host: str) -> TroubleError:
    return unread_codec(f"What {host} calls a JPEG picture is none that can be read.")


@asynccontextmanager
async def reach(device: DeviceAddress, ports: DriverPorts) -> AsyncIterator[Equipment]:
    """Nothing is opened before a question is asked."""
    yield MjpegDevice(device, ports)


DRIVER = Driver(
    "mjpeg", "Motion JPEG over HTTP", frozenset({"http", "https"}), reach, frozenset({Ability.SNAPSHOT})
)
