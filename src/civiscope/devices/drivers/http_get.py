"""One HTTP GET to a device (RFC 9112), bounded: a login where it asks for one, no redirect, no cookie."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import Message

from civiscope.base import ProtocolError
from civiscope.devices.driver import DriverPorts
from civiscope.devices.drivers.line import Line, Target, open_line
from civiscope.devices.drivers.troubles import login_refused, not_a_camera
from civiscope.devices.equipment import DeviceAddress
from civiscope.media.wire import BasicChallenge, Credentials, Prover, RtspHeaders, Verdict

HEAD_LIMIT_BYTES = 32 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r|\n|$)")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK_SIZE = re.compile(rb"\s*([0-9a-fA-F]{1,8})[^\n]*\n")


@dataclass(frozen=True, slots=True)
class Head:
    """What came before the body."""

    status: int
    headers: RtspHeaders

    @property
    def content_type(self) -> str:
        """Small letters, without parameters."""
        return self._content_type().get_content_type() if "Content-Type" in self.headers else ""

    @property
    def boundary(self) -> bytes:
        """Of a multipart body (RFC 2046 §5.1.1), as it stands between parts; empty where none is told."""
        value = self._content_type().get_param("boundary", "")
        text = value if isinstance(value, str) else ""
        return b"--" + text.strip().removeprefix("--").encode("latin-1", "replace") if text.strip() else b""

    def _content_type(self) -> Message:
        message = Message()
        message["Content-Type"] = self.headers.get("Content-Type").replace("\n", " ").replace("\r", " ")
        return message


class Answer:
    """A head, and a body that is read as it comes: `Content-Length`, chunked, or to the end."""

    def __init__(self, line: Line, head: Head, rest: bytes, in_clear: bool) -> None:
        self.head = head
        self.sent_password_in_clear = in_clear
        self._line = line
        self._rest = rest
        length = head.headers.get("Content-Length").strip()
        self._is_chunked = "chunked" in head.headers.get("Transfer-Encoding").lower()
        self._left = int(length) if length.isdecimal() and len(length) < 12 and not self._is_chunked else None

    async def body(self) -> AsyncIterator[bytes]:
        """Its bytes, in pieces of at most 64 KiB."""
        pieces = self._chunked() if self._is_chunked else self._plain()
        async for piece in pieces:
            yield piece

    async def _plain(self) -> AsyncIterator[bytes]:
        while self._left is None or self._left > 0:
            piece, self._rest = self._rest or await self._line.receive(), b""
            if not piece:
                return
            if self._left is not None:
                piece = piece[: self._left]
                self._left -= len(piece)
            yield piece

    async def _chunked(self) -> AsyncIterator[bytes]:
        """What came at once is one piece: a device that sends chunks of a byte each costs us no more."""
        came, at, left = self._rest, 0, 0
        while True:
            found = bytearray()
            while True:
                taken = came[at : at + left]
                found += taken
                at, left = at + len(taken), left - len(taken)
                size = None if left else _CHUNK_SIZE.match(came, at)
                if size is None:
                    break
                left, at = int(size[1], 16), size.end()
                if not left:
                    yield bytes(found)
                    return
            if found:
                yield bytes(found)
            if not left and len(came) - at > HEAD_LIMIT_BYTES:
                return
            more = await self._line.receive()
            if not more:
                return
            came, at = came[at:] + more, 0


@asynccontextmanager
async def get(target: Target, device: DeviceAddress, ports: DriverPorts) -> AsyncIterator[Answer]:
    """The answer to GET, whatever its status but 401. TroubleError for a login refused, and for no HTTP."""
    prover = Prover(Credentials(device.username, device.password) if device.username else None)
    tries = 0
    while True:
        had_proof = prover.challenge is not None
        async with open_line(target, device, ports) as line:
            await line.send(_request(target, prover))
            head, rest = await _read_head(line)
            if head.status != 401:
                in_clear = isinstance(prover.challenge, BasicChallenge) and not target.is_tls
                yield Answer(line, head, rest, in_clear)
                return
        verdict = prover.weigh(head.headers.get_all("WWW-Authenticate"), tries, had_proof)
        if verdict is not Verdict.TRY:
            raise login_refused(target.host, verdict.value)
        tries += 1


def _request(target: Target, prover: Prover) -> bytes:
    fields = [
        f"GET {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        "User-Agent: Civiscope",
        "Accept: multipart/x-mixed-replace, image/jpeg",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    try:
        if proof := prover.proof("GET", target.path):
            fields.append(f"Authorization: {proof}")
    except ProtocolError as error:
        raise login_refused(target.host, f"{error.message[:1].upper()}{error.message[1:]}.") from None
    return ("\r\n".join(fields) + "\r\n\r\n").encode("utf-8")


async def _read_head(line: Line) -> tuple[Head, bytes]:
    data = b""
    while not (end := _HEAD_END.search(data)):
        piece = await line.receive() if len(data) <= HEAD_LIMIT_BYTES and _may_be_http(data) else b""
        if not piece:
            raise not_a_camera(line.target.host, line.target.port, "HTTP")
        data += piece
    status = _STATUS.match(data)
    if status is None:
        raise not_a_camera(line.target.host, line.target.port, "HTTP")
    lines = data[: end.start()].decode("latin-1").splitlines()[1:]
    fields = [
        (name.strip(), value.strip()) for name, colon, value in (one.partition(":") for one in lines) if colon
    ]
    return Head(int(status[1]), RtspHeaders(fields)), data[end.end() :]


def _may_be_http(data: bytes) -> bool:
    return data[:7] == b"HTTP/1."[: len(data)]
