"""The driver of anything that has an RTSP address: asks what the stream is, guesses nothing, steers nothing.

OPTIONS and DESCRIBE (RFC 2326 §10.1, §10.2); the stream itself is opened by a transport.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

from civiscope.base import AppError, Clock, ProtocolError
from civiscope.devices.driver import Driver, DriverPorts, Equipment
from civiscope.devices.drivers.line import Line, open_line, target_of
from civiscope.devices.drivers.troubles import (
    login_refused,
    no_stream,
    not_a_camera,
    unread_codec,
)
from civiscope.devices.drivers.unsteered import Unsteered
from civiscope.devices.equipment import (
    DeviceAddress,
    DeviceDescription,
    DeviceIdentity,
    OfferedInput,
    OfferedStream,
    TroubleError,
)
from civiscope.media.wire import (
    BasicChallenge,
    Credentials,
    MediaDescription,
    Prover,
    RtspHeaders,
    RtspParser,
    RtspRequest,
    RtspResponse,
    SessionDescription,
    Verdict,
    depacketizer_for,
    parse_sdp,
    without_user_info,
    write_request,
)

_STRAY_LIMIT = 8
"""Messages that are no answer to ours, before the peer counts as none of ours."""
_US_PER_MS = 1000


class RtspDevice(Unsteered):
    """One typed address, asked over one connection per question."""

    def __init__(self, device: DeviceAddress, ports: DriverPorts) -> None:
        self._device = device
        self._ports = ports
        self._target = target_of(device.address)

    async def describe(self) -> DeviceDescription:
        """One input with one stream, the address typed, and what the answers tell of who is there."""
        credentials = Credentials(self._device.username, self._device.password)
        prover = Prover(credentials if credentials.username else None)
        try:
            options, answer, offset_ms = await self._ask(prover)
        except _HungUpError:  # some cameras close the connection behind a 401, and want the proof on another
            options, answer, offset_ms = await self._ask(prover)
        if answer.status != 200:
            raise self._refusal(answer)
        description = self._sdp(answer)
        server = answer.headers.get("Server") or options.headers.get("Server")
        stream = self._stream(description)
        has_audio = any(track.media == "audio" and track.codec for track in description.tracks)
        title = description.name.strip("- ") if description.name else ""
        in_clear = isinstance(prover.challenge, BasicChallenge) and not self._target.is_tls
        warnings = (_IN_CLEAR,) if in_clear else ()
        return DeviceDescription(
            DeviceIdentity(model=server),
            (OfferedInput(0, "", title, (stream,), has_audio=has_audio),),
            (),
            offset_ms,
            warnings,
        )

    async def _ask(self, prover: Prover) -> tuple[RtspResponse, RtspResponse, int | None]:
        """The answers to OPTIONS and DESCRIBE, and how far the clock told in them is off."""
        async with open_line(self._target, self._device, self._ports) as line:
            talk = _Talk(line, self._device.address, prover, self._ports.clock)
            options = await talk.ask("OPTIONS")
            answer = await talk.ask("DESCRIBE", ("Accept", "application/sdp"))
            return options, answer, talk.clock_offset_ms

    def _stream(self, description: SessionDescription) -> OfferedStream:
        pictures = [track for track in description.tracks if track.media == "video"]
        readable = [track for track in pictures if track.codec is not None]
        if not pictures:
            raise no_stream(
                f"{self._target.host} sends no pictures on this stream.", "Type the address of its video."
            )
        if not readable:
            found = pictures[0].encoding or "nothing it has a name for"
            raise unread_codec(
                f"{self._target.host} sends its pictures as {found[:40]}, which is not read here."
            )
        track = readable[0]
        width_px, height_px = _size(track)
        codec = track.codec.value if track.codec else ""
        return OfferedStream(
            "main",
            track.control[:100],
            self._device.address,
            codec,
            width_px,
            height_px,
            track.frame_rate_fps,
        )

    def _sdp(self, answer: RtspResponse) -> SessionDescription:
        try:
            return parse_sdp(answer.body)
        except ProtocolError:
            raise not_a_camera(self._target.host, self._target.port, "RTSP as cameras do") from None

    def _refusal(self, answer: RtspResponse) -> TroubleError:
        host = self._target.host
        if 300 <= answer.status < 400:
            return no_stream(
                f"{host} points to another address ({_place(answer.headers)}), which is not followed.",
                "If you know it, type that address instead.",
            )
        if answer.status in {404, 405, 415, 454, 455, 459, 501}:
            return no_stream(f"{host} has no stream at this path (it answered {answer.status}).")
        return no_stream(
            f"{host} refused to describe its stream (it answered {answer.status}).",
            "Try again in a minute; if it stays so, restart the camera.",
        )


class _HungUpError(TroubleError):
    """The device closed the connection after it asked for a proof."""


class _Talk:
    """Questions and answers on one connection, with a proof once it is asked for."""

    def __init__(self, line: Line, url: str, prover: Prover, clock: Clock) -> None:
        self._line = line
        self._url = url
        self._clock = clock
        self._parser = RtspParser()
        self._cseq = 0
        self._prover = prover
        self._was_challenged = False
        self.clock_offset_ms: int | None = None

    async def ask(self, method: str, *headers: tuple[str, str]) -> RtspResponse:
        """The answer, whatever its status but 401; TroubleError for that, for silence and for nonsense."""
        tries = 0
        while True:
            had_proof = self._prover.challenge is not None
            answer = await self._once(method, headers)
            if answer.status != 401:
                return answer
            verdict = self._prover.weigh(answer.headers.get_all("WWW-Authenticate"), tries, had_proof)
            if verdict is not Verdict.TRY:
                raise login_refused(self._line.target.host, verdict.value)
            tries += 1
            self._was_challenged = True

    async def _once(self, method: str, headers: tuple[tuple[str, str], ...]) -> RtspResponse:
        self._cseq += 1
        fields = [("CSeq", str(self._cseq)), ("User-Agent", "Civiscope"), *headers]
        try:
            if proof := self._prover.proof(method, self._url):
                fields.append(("Authorization", proof))
            request = write_request(RtspRequest(method, self._url, RtspHeaders(fields)))
        except ProtocolError as error:
            raise login_refused(
                self._line.target.host, f"{error.message[:1].upper()}{error.message[1:]}."
            ) from None
        await self._line.send(request)
        return await self._answer()

    async def _answer(self) -> RtspResponse:
        target, strays = self._line.target, 0
        while strays < _STRAY_LIMIT:
            data = await self._line.receive()
            try:
                messages = self._parser.feed(data) if data else []
            except ProtocolError:
                break
            for one in messages:
                if isinstance(one, RtspResponse) and one.cseq in {self._cseq, None}:
                    self._note_time(one)
                    return one
                strays += 1
            if not data:
                if self._was_challenged:
                    raise _HungUpError(login_refused(target.host, "It hangs up at the password.").report)
                break
        raise not_a_camera(target.host, target.port, "RTSP")

    def _note_time(self, answer: RtspResponse) -> None:
        """The device's clock from `Date` (RFC 2326 §12.18), good to a second."""
        try:
            said = parsedate_to_datetime(answer.headers.get("Date"))
            if said.tzinfo is None:
                return
            self.clock_offset_ms = round(said.timestamp() * 1000) - self._clock.now_us() // _US_PER_MS
        except (ValueError, TypeError, OverflowError):
            return


_IN_CLEAR = (
    "The camera wants the password itself over a connection that anyone on the way can read. Choose Digest "
    "or RTSPS in its menu if it has them."
)


def _size(track: MediaDescription) -> tuple[int, int]:
    """As the parameter sets in the description say; 0 where it has none."""
    try:
        config = depacketizer_for(track).config
    except AppError:
        return 0, 0
    return (config.width_px, config.height_px) if config is not None else (0, 0)


def _place(headers: RtspHeaders) -> str:
    """Where a redirect leads, without user-info and query, for a person to read."""
    place = without_user_info(headers.get("Location")).partition("?")[0]
    return "".join(c for c in place if c.isprintable())[:200] or "it does not say where"


@asynccontextmanager
async def reach(device: DeviceAddress, ports: DriverPorts) -> AsyncIterator[Equipment]:
    """Nothing is opened before a question is asked."""
    yield RtspDevice(device, ports)


DRIVER = Driver("rtsp", "RTSP stream", frozenset({"rtsp", "rtsps"}), reach)
