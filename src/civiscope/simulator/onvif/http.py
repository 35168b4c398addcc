"""As much of HTTP/1.1 as a device's SOAP door needs, with a limit on every length (RFC 9112)."""

import asyncio
import re
from dataclasses import dataclass, field
from http import HTTPStatus

from civiscope.base import ProtocolError
from civiscope.simulator.onvif.soap import REQUEST_LIMIT_BYTES

HEAD_LIMIT_BYTES = 16 * 1024
IDLE_S = 60.0
"""A kept connection without a request is closed then; a request has as long to come in whole."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(r"([A-Z]{1,16}) (\S{1,4096}) HTTP/1\.([01])")


@dataclass(frozen=True, slots=True)
class HttpHead:
    """Request line and fields; names in small letters."""

    method: str
    target: str
    fields: dict[str, str] = field(repr=False)
    keeps_alive: bool = True

    @property
    def length(self) -> int | None:
        """Of the body in bytes; None when it comes in chunks."""
        if "transfer-encoding" in self.fields:
            if self.fields["transfer-encoding"].lower() != "chunked" or "content-length" in self.fields:
                raise ProtocolError("a body of unknown length")
            return None
        text = self.fields.get("content-length", "0")
        if not text.isascii() or not text.isdecimal() or len(text) > 12:
            raise ProtocolError("Content-Length is no number")
        return int(text)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, whole."""

    head: HttpHead
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What is answered."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = "application/soap+xml; charset=utf-8"
    fields: tuple[tuple[str, str], ...] = ()


class TooLargeError(ProtocolError):
    """A body beyond the limit: answered with 413."""


def parse_head(data: bytes) -> HttpHead:
    """A request's head with its blank line; raises ProtocolError for whatever is none."""
    lines = data.decode("latin-1").split("\r\n")
    match = _REQUEST_LINE.fullmatch(lines[0])
    if match is None or lines[-2:] != ["", ""]:
        raise ProtocolError("not an HTTP/1 request")
    fields: dict[str, str] = {}
    for line in lines[1:-2]:
        name, colon, value = line.partition(":")
        if (
            not colon
            or not _TOKEN.fullmatch(name)
            or (name.lower() in fields and name.lower() == "content-length")
        ):
            raise ProtocolError("a header field that cannot be read")
        fields[name.lower()] = value.strip(" \t")
    connection = fields.get("connection", "").lower()
    keeps = "close" not in connection if match[3] == "1" else "keep-alive" in connection
    return HttpHead(match[1], match[2], fields, keeps)


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpRequest | None:
    """The next request of a connection, None when it ended in between. `reader` has the head's limit.

    Raises ProtocolError for what is no request, TimeoutError when it does not come in time.
    """
    async with asyncio.timeout(IDLE_S):
        try:
            data = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                return None
            raise ProtocolError("the connection ended within a head") from error
        except asyncio.LimitOverrunError as error:
            raise ProtocolError("a head longer than any request has") from error
        head = parse_head(data)
        length = head.length
        if length is not None and length > REQUEST_LIMIT_BYTES:
            raise TooLargeError("a body longer than any request has")
        if head.fields.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            body = await reader.readexactly(length) if length is not None else await _read_chunks(reader)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise ProtocolError("the connection ended within a body") from error
    return HttpRequest(head, body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """RFC 9112 §7.1; trailers are passed over."""
    body = bytearray()
    while True:
        size_text = (await reader.readuntil(b"\r\n")).partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size_text):
            raise ProtocolError("a chunk without a size")
        size = int(size_text, 16)
        if len(body) + size > REQUEST_LIMIT_BYTES:
            raise TooLargeError("a body longer than any request has")
        if size == 0:
            while (await reader.readuntil(b"\r\n")) != b"\r\n":
                continue
            return bytes(body)
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise ProtocolError("a chunk longer than its size")


def write_head(response: HttpResponse, length: int, keeps_alive: bool) -> bytes:
    """Status line and fields, for a body of `length` bytes."""
    try:
        reason = HTTPStatus(response.status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {response.status} {reason}", "Server: Civiscope simulator"]
    if response.content_type:
        lines.append(f"Content-Type: {response.content_type}")
    lines += [f"{name}: {value}" for name, value in response.fields]
    lines += [f"Content-Length: {length}", f"Connection: {'keep-alive' if keeps_alive else 'close'}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
