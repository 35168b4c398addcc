"""HTTP/1.1 answers as a value machine (RFC 9112): heads, bodies of any framing, and where each ends."""

import re
from dataclasses import dataclass, field

from civiscope.base import ProtocolError
from civiscope.media.wire.rtsp import MAX_HEADERS, RtspHeaders

MAX_HTTP_HEAD_BYTES = 32 * 1024
_MAX_CHUNK_LINE_BYTES = 1024
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(r"HTTP/1\.\d\s+(\d{3})(?:\s+(.*))?")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class HttpHead:
    """Status and header fields of an answer; its body follows in pieces."""

    status: int
    reason: str
    headers: RtspHeaders

    @property
    def media_type(self) -> str:
        """Type and subtype in small letters, without parameters."""
        return self.headers.get("Content-Type").partition(";")[0].strip().lower()

    @property
    def keeps_connection(self) -> bool:
        """The peer takes another request after this body, as far as it says."""
        return "close" not in self.headers.get("Connection").lower()


@dataclass(frozen=True, slots=True)
class HttpBody:
    """The next piece of the body."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpEnd:
    """The body is whole; another answer may follow on the connection."""


HttpEvent = HttpHead | HttpBody | HttpEnd


class HttpParser:
    """Bytes of the server in, events out; after a ProtocolError it must be thrown away.

    Bodies are not bounded here, only heads and the framing: whoever takes the pieces bounds them. Interim
    answers (1xx) are left out.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._in_body = False
        self._is_chunked = False
        self._left: int | None = 0
        """Bytes of body, or of the present chunk, still to come; None: until the connection ends."""
        self._in_trailer = False
        self._after_chunk = False

    def feed(self, data: bytes | memoryview) -> list[HttpEvent]:
        """All that is known now."""
        self._rest += data
        events: list[HttpEvent] = []
        while self._step(events):
            pass
        return events

    def end(self) -> list[HttpEvent]:
        """The connection ended in order: a body without length is whole now; ProtocolError inside another."""
        if not self._in_body:
            if self._rest:
                raise ProtocolError("an HTTP answer ends inside its head")
            return []
        if self._left is not None or self._is_chunked:
            raise ProtocolError("an HTTP answer ends inside its body")
        self._in_body = False
        return [HttpEnd()]

    def _step(self, events: list[HttpEvent]) -> bool:
        """One thing more; False when more bytes are needed."""
        if not self._in_body:
            return self._read_head(events)
        if self._is_chunked and self._left == 0:
            return self._read_chunk_line(events)
        if not self._rest:
            return False
        count = len(self._rest) if self._left is None else min(self._left, len(self._rest))
        events.append(HttpBody(bytes(self._rest[:count])))
        del self._rest[:count]
        if self._left is not None:
            self._left -= count
            if not self._left and not self._is_chunked:
                self._finish(events)
            self._after_chunk = self._is_chunked
        return True

    def _finish(self, events: list[HttpEvent]) -> None:
        self._in_body = False
        events.append(HttpEnd())

    def _read_head(self, events: list[HttpEvent]) -> bool:
        while bytes(self._rest[:1]) in (b"\r", b"\n"):
            del self._rest[:1]
        if self._rest and not b"HTTP/1.".startswith(self._rest[:7]):
            raise ProtocolError("the peer does not speak HTTP")
        found = _END_OF_HEAD.search(self._rest, 0, MAX_HTTP_HEAD_BYTES)
        if found is None:
            if len(self._rest) >= MAX_HTTP_HEAD_BYTES:
                raise ProtocolError("an HTTP answer has a head of over 32 KiB")
            return False
        head = _parse_head(bytes(self._rest[: found.start()]))
        del self._rest[: found.end()]
        if head.status < 200:
            return True
        events.append(head)
        self._begin_body(head, events)
        return True

    def _begin_body(self, head: HttpHead, events: list[HttpEvent]) -> None:
        self._in_body, self._in_trailer, self._after_chunk = True, False, False
        coding = head.headers.get("Transfer-Encoding").strip().lower()
        self._is_chunked = coding == "chunked"
        if coding not in ("", "identity", "chunked"):
            raise ProtocolError("an HTTP answer comes in a transfer coding that is not read here")
        length = head.headers.get("Content-Length").strip()
        if self._is_chunked:
            self._left = 0
        elif not length:
            self._left = None
        elif length.isascii() and length.isdigit() and len(length) <= 15:
            self._left = int(length)
        else:
            raise ProtocolError("an HTTP answer has a Content-Length that is no number")
        if head.status in _BODILESS or (self._left == 0 and not self._is_chunked):
            self._finish(events)

    def _read_chunk_line(self, events: list[HttpEvent]) -> bool:
        """The line that tells a chunk's length (RFC 9112 §7.1), the empty line after one, the trailer."""
        end = self._rest.find(b"\n")
        if end < 0 or end > _MAX_CHUNK_LINE_BYTES:
            if len(self._rest) > _MAX_CHUNK_LINE_BYTES:
                raise ProtocolError("a chunk of an HTTP answer has no length")
            return False
        line = bytes(self._rest[:end]).strip()
        del self._rest[: end + 1]
        if self._in_trailer:
            if not line:
                self._finish(events)
        elif self._after_chunk:
            self._after_chunk = False
            if line:
                raise ProtocolError("a chunk of an HTTP answer is longer than it said")
        else:
            size = line.partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,12}", size):
                raise ProtocolError("a chunk of an HTTP answer has no length")
            self._left = int(size, 16)
            self._in_trailer = self._left == 0
        return True


def read_fields(lines: list[str]) -> RtspHeaders:
    """Header fields of lines; those that are none, or hold control characters, are left out.

    ProtocolError when there are too many.
    """
    if len(lines) > MAX_HEADERS:
        raise ProtocolError(f"an HTTP head has over {MAX_HEADERS} header lines")
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and _TOKEN.fullmatch(name.strip()) and not _CONTROLS.search(value.strip()):
            fields.append((name.strip(), value.strip()))
    return RtspHeaders(fields)


def _parse_head(data: bytes) -> HttpHead:
    lines = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    found = _STATUS_LINE.fullmatch(lines[0].strip())
    if found is None:
        raise ProtocolError("an HTTP answer has a first line that is none")
    return HttpHead(int(found[1]), (found[2] or "").strip(), read_fields(lines[1:]))


def write_get(target: str, fields: list[tuple[str, str]]) -> bytes:
    """A GET request; ProtocolError when the target or a field would break its line."""
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    if re.search(r"[\s\x00-\x20\x7f]", target) or any("\r" in line or "\n" in line for line in lines):
        raise ProtocolError("cannot write this HTTP request: the address has a blank or a line break in it")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
