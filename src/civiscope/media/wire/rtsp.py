"""RTSP messages: values, parser and writer (RFC 2326 §4 to §7, §10.12; RFC 7826 where cameras follow it)."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from struct import Struct
from typing import NamedTuple

from civiscope.base import ProtocolError, Whose

MAX_HEAD_BYTES = 32 * 1024
MAX_BODY_BYTES = 256 * 1024
MAX_HEADERS = 128
MAX_GARBAGE_BYTES = 64 * 1024
"""How much may be skipped between two interleaved frames before the stream counts as broken."""

DOLLAR = 0x24
"""What an interleaved frame begins with (RFC 2326 §10.12)."""
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_START = re.compile(rb"(?:RTSP/|HTTP/|[A-Z_]{3,24} )")
_START_PREFIX = re.compile(rb"[A-Z_]{1,24}/?\Z")
_STATUS_LINE = re.compile(r"RTSP/[12]\.\d\s+(\d{3})(?:\s+(.*))?")
_REQUEST_LINE = re.compile(r"([A-Z_]{3,24}) (\S.*?) RTSP/[12]\.\d\s*")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
read_frame_head = Struct(">BBH").unpack_from
"""(`DOLLAR`, channel, bytes that follow) of an interleaved frame, from a buffer and a place in it."""
_SPARE = frozenset(b"\r\n\0 ")

Route = tuple[int, bool]
"""Which track an interleaved channel carries, and whether it is the track's RTCP."""
RoutedPacket = tuple[int, bool, memoryview]
"""(track index, is RTCP, payload); the view lives as long as the bytes that were fed."""
FrameTaker = Callable[[memoryview, int, Sequence[Route | None]], int]
"""Takes all whole interleaved frames from a place in the bytes on; gives where something else begins."""


class RtspHeaders:
    """Header fields in the order sent; names compare without case and may repeat (RFC 2326 §4.2)."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = tuple(fields)

    def get(self, name: str, default: str = "") -> str:
        """The first field of that name."""
        wanted = name.lower()
        return next((value for key, value in self._fields if key.lower() == wanted), default)

    def get_all(self, name: str) -> tuple[str, ...]:
        """Every field of that name, in order."""
        wanted = name.lower()
        return tuple(value for key, value in self._fields if key.lower() == wanted)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(key.lower() == name.lower() for key, _ in self._fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RtspHeaders) and self._folded() == other._folded()

    def __hash__(self) -> int:
        return hash(self._folded())

    def __repr__(self) -> str:
        return f"RtspHeaders({[(k, '***' if k.lower() == 'authorization' else v) for k, v in self._fields]})"

    def _folded(self) -> tuple[tuple[str, str], ...]:
        return tuple((key.lower(), value) for key, value in self._fields)


_NO_HEADERS = RtspHeaders()


@dataclass(frozen=True, slots=True)
class RtspRequest:
    """A wish of one side; cameras send some too (RFC 2326 §6)."""

    method: str
    uri: str
    headers: RtspHeaders = _NO_HEADERS
    body: bytes = field(default=b"", repr=False)

    @property
    def cseq(self) -> int | None:
        """The number that its answer must carry; None where it is missing or no number."""
        return read_cseq(self.headers)


@dataclass(frozen=True, slots=True)
class RtspResponse:
    """An answer (RFC 2326 §7)."""

    status: int
    reason: str = ""
    headers: RtspHeaders = _NO_HEADERS
    body: bytes = field(default=b"", repr=False)

    @property
    def cseq(self) -> int | None:
        """The number of the request it answers; None where the camera left it out."""
        return read_cseq(self.headers)


class InterleavedFrame(NamedTuple):
    """One RTP or RTCP packet within the RTSP connection (RFC 2326 §10.12).

    `payload` looks into the bytes that were fed: use it before they are overwritten.
    """

    channel: int
    payload: memoryview


RtspMessage = RtspRequest | RtspResponse | InterleavedFrame


def read_cseq(headers: RtspHeaders) -> int | None:
    """CSeq as a number (RFC 2326 §12.17), None if there is none that can be read."""
    text = headers.get("CSeq").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def write_request(request: RtspRequest) -> bytes:
    """The request's bytes; Content-Length is added for a body."""
    _refuse_breaks(request.method, request.uri)
    if not _REQUEST_LINE.fullmatch(line := f"{request.method} {request.uri} RTSP/1.0"):
        raise ProtocolError(
            "cannot write this RTSP request line: method or address is malformed", Whose.LOCAL
        )
    return _write(line, request.headers, request.body)


def write_response(response: RtspResponse) -> bytes:
    """The answer's bytes; Content-Length is added for a body."""
    _refuse_breaks(response.reason)
    if not 100 <= response.status <= 999:
        raise ProtocolError(f"cannot write RTSP status {response.status}: it has three digits", Whose.LOCAL)
    return _write(f"RTSP/1.0 {response.status} {response.reason}", response.headers, response.body)


def write_interleaved(channel: int, payload: bytes) -> bytes:
    """One packet framed for the RTSP connection (RFC 2326 §10.12)."""
    if not 0 <= channel <= 255 or len(payload) > 65535:
        raise ProtocolError("an interleaved frame has channel 0 to 255 and at most 65,535 bytes", Whose.LOCAL)
    return b"$%c%c%c" % (channel, len(payload) >> 8, len(payload) & 255) + payload


def _write(start: str, headers: RtspHeaders, body: bytes) -> bytes:
    lines = [start]
    for name, value in headers:
        _refuse_breaks(value)
        if not _TOKEN.fullmatch(name):
            raise ProtocolError(f"cannot write the RTSP header name {name!r}", Whose.LOCAL)
        if name.lower() != "content-length":
            lines.append(f"{name}: {value}")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return head.encode("utf-8", "surrogateescape") + body


def _refuse_breaks(*texts: str) -> None:
    if any("\r" in text or "\n" in text for text in texts):
        raise ProtocolError("an RTSP line cannot hold a line break", Whose.LOCAL)


class RtspParser:
    """Bytes of one direction in, messages out; limits on every length.

    Empty lines between messages are skipped. Once an interleaved frame was seen, other bytes between two
    frames are skipped too, up to `MAX_GARBAGE_BYTES` in a row (cameras pad, or cut a packet short);
    `skipped_bytes` counts them. Anything else raises ProtocolError; then throw the parser away.
    """

    def __init__(self) -> None:
        self.skipped_bytes = 0
        self._rest = b""
        self._garbage_bytes = 0
        self._resyncs = False
        self._is_lost = False

    def feed(self, data: bytes | memoryview) -> list[RtspMessage]:
        """All messages that are complete now."""
        out: list[RtspMessage] = []
        for item in self._collected(data, None):
            if isinstance(item, list):
                out += [InterleavedFrame(channel, payload) for channel, _, payload in item]
            else:
                out.append(item)
        return out

    def feed_routed(
        self, data: bytes | memoryview, routes: Sequence[Route | None]
    ) -> list[RtspRequest | RtspResponse | list[RoutedPacket]]:
        """As `feed`, but runs of frames come as one list; `routes` has 256 places, None drops a frame."""
        return self._collected(data, routes)

    def feed_taken(
        self, data: bytes | memoryview, routes: Sequence[Route | None], take: FrameTaker
    ) -> list[RtspRequest | RtspResponse]:
        """As `feed_routed`, but frames go to `take` without a value being made of each."""
        return list(self._walk(data, routes, take))

    def _collected(
        self, data: bytes | memoryview, routes: Sequence[Route | None] | None
    ) -> list[RtspRequest | RtspResponse | list[RoutedPacket]]:
        items: list[RtspRequest | RtspResponse | list[RoutedPacket]] = []
        packets: list[RoutedPacket] = []
        for message in self._walk(data, routes or (), partial(_collect, packets, routes is not None)):
            if packets:
                items.append(packets.copy())
                packets.clear()
            items.append(message)
        if packets:
            items.append(packets)
        return items

    def _walk(
        self, data: bytes | memoryview, routes: Sequence[Route | None], take: FrameTaker
    ) -> Iterator[RtspRequest | RtspResponse]:
        view = memoryview(data)
        if self._rest:
            view = self._join(view, routes, take)
        position = self._skip_garbage(view, 0, 0) if self._is_lost else 0
        while position < len(view) and not self._is_lost:
            position = self._frames(view, position, routes, take)
            if position >= len(view) or view[position] == DOLLAR:
                break
            after, message = self._message(view, position)
            if message is not None:
                yield message
            elif after == position:
                break
            position = after
        self._rest = bytes(view[position:])

    def _join(self, view: memoryview, routes: Sequence[Route | None], take: FrameTaker) -> memoryview:
        """Put what was left before the new bytes; a cut frame is completed alone, to copy no more."""
        rest = self._rest
        if rest[0] != DOLLAR or self._is_lost:
            return memoryview(rest + view)
        if len(rest) < 4:
            rest, view = rest + view[: 4 - len(rest)], view[4 - len(rest) :]
        if len(rest) >= 4:
            missing = 4 + (rest[2] << 8 | rest[3]) - len(rest)
            rest, view = rest + view[:missing], view[missing:]
        if self._frames(memoryview(rest), 0, routes, take) == 0:
            return memoryview(rest)
        return view

    def _frames(
        self, view: memoryview, position: int, routes: Sequence[Route | None], take: FrameTaker
    ) -> int:
        """Let all whole frames from `position` on be taken."""
        after = take(view, position, routes)
        if after != position:
            self._resyncs = True
            self._garbage_bytes = 0
        return after

    def _message(self, view: memoryview, position: int) -> tuple[int, RtspRequest | RtspResponse | None]:
        """One message at `position`, or None and where to go on (`position` itself: wait for more bytes)."""
        while position < len(view) and view[position] in _SPARE:
            position += 1
            self._count_garbage(1)
        if position == len(view) or view[position] == DOLLAR:
            return position, None
        start = bytes(view[position : position + 25])
        if not _START.match(start):
            if len(view) - position < 25 and _START_PREFIX.match(start):
                return position, None
            return self._skip_garbage(view, position, position + 1), None
        return self._read_message(view, position)

    def _read_message(self, view: memoryview, position: int) -> tuple[int, RtspRequest | RtspResponse | None]:
        window = bytes(view[position : position + MAX_HEAD_BYTES])
        end = _END_OF_HEAD.search(window)
        if end is None:
            if len(window) >= MAX_HEAD_BYTES:
                raise ProtocolError("an RTSP message has a head of over 32 KiB")
            return position, None
        headers = _read_headers(lines := _unfold(window[: end.start()]))
        body_start = position + end.end()
        body_end = body_start + _body_length(headers)
        if body_end > len(view):
            return position, None
        self._garbage_bytes = 0
        return body_end, _build(lines[0], headers, bytes(view[body_start:body_end]))

    def _skip_garbage(self, view: memoryview, position: int, here: int) -> int:
        """Where a frame or answer seems to start, at or after `here`.

        Sets `_is_lost` while there are too few bytes to tell; the search goes on from the returned place.
        """
        if not self._resyncs:
            raise ProtocolError("the peer does not speak RTSP: its bytes start no message")
        self._is_lost = False
        while here < len(view):
            if view[here] == DOLLAR:
                self._is_lost = here + 4 >= len(view)
                if self._is_lost or view[here + 4] & 0xC0 == 0x80:
                    break  # a packet's first two bits are its version, 2 (RFC 3550 §5.1)
            elif view[here] == 0x52 and b"RTSP/".startswith(begin := bytes(view[here : here + 5])):
                self._is_lost = len(begin) < 5
                break
            here += 1
        self._count_garbage(here - position)
        return here

    def _count_garbage(self, count: int) -> None:
        self.skipped_bytes += count
        self._garbage_bytes += count
        if self._garbage_bytes > MAX_GARBAGE_BYTES:
            raise ProtocolError("over 64 KiB in a row are neither RTSP messages nor packets")


def _collect(
    packets: list[RoutedPacket], is_routed: bool, view: memoryview, position: int,
    routes: Sequence[Route | None],
) -> int:  # fmt: skip
    """A `FrameTaker` that makes a list; unrouted packets carry their channel."""
    end = len(view)
    append = packets.append
    while position <= end - 4:
        mark, channel, length = read_frame_head(view, position)
        if mark != DOLLAR or position + 4 + length > end:
            break
        payload = view[position + 4 : position + 4 + length]
        position += 4 + length
        if not is_routed:
            append((channel, False, payload))
        elif (route := routes[channel]) is not None:
            append((route[0], route[1], payload))
    return position


def _unfold(head: bytes) -> list[str]:
    """The head's lines; one that starts with a blank belongs to the line before (RFC 2326 §4.2)."""
    lines: list[str] = []
    for line in head.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n"):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    if len(lines) > MAX_HEADERS:
        raise ProtocolError(f"an RTSP message has over {MAX_HEADERS} header lines")
    return lines


def _read_headers(lines: list[str]) -> RtspHeaders:
    fields = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon and _TOKEN.fullmatch(name.strip()):
            fields.append((name.strip(), value.strip()))
    return RtspHeaders(fields)


def _body_length(headers: RtspHeaders) -> int:
    text = headers.get("Content-Length", "0").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise ProtocolError("an RTSP message has a Content-Length that is no number")
    if (length := int(text)) > MAX_BODY_BYTES:
        raise ProtocolError(
            f"an RTSP message announces a body of {length} bytes; at most {MAX_BODY_BYTES} are read"
        )
    return length


def _build(start: str, headers: RtspHeaders, body: bytes) -> RtspRequest | RtspResponse:
    if status := _STATUS_LINE.fullmatch(start):
        return RtspResponse(int(status[1]), (status[2] or "").strip(), headers, body)
    if request := _REQUEST_LINE.fullmatch(start):
        return RtspRequest(request[1], request[2], headers, body)
    if start.startswith("HTTP/"):
        raise ProtocolError("the peer speaks HTTP at this port, not RTSP")
    raise ProtocolError("an RTSP message has a first line that is neither request nor answer")
