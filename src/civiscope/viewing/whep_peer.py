"""One viewer over WebRTC: H.264 units as the camera sent them, nothing decoded (RFC 6184 through aiortc).

Only an address of this machine is offered, and only who speaks to it first is answered: no STUN, no TURN.
"""

import asyncio

from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.exceptions import InternalError, InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from civiscope.base import AppError, Clock, ErrorKind, ProtocolError, get_log
from civiscope.media import AccessUnit, Codec, CodedPacket, TrackConfig, annexb_packet
from civiscope.viewing.live_queue import LiveQueue
from civiscope.viewing.model import SentPicture

_log = get_log("civiscope.viewing.whep")
_LATE_US = 200_000
"""A unit this old is shown at once, not at its time: a viewer begins with the newest GOP, up to date."""
_CATCH_UP_TICKS = 90
_BURST_BYTES = 64 << 10
_BURST_PAUSE_S = 0.004
_CLOSE_LIMIT_S = 2.0
_OTHER_WAYS = "Use the WebSocket of this look."
_REFUSALS = (
    InternalError, InvalidAccessError, InvalidStateError, OperationError,
    ValueError, LookupError, AttributeError, TypeError, AssertionError,
)  # fmt: skip


def require_h264(tracks: tuple[TrackConfig, ...]) -> TrackConfig:
    """The track that is sent over WebRTC; INVALID, with the way out, when it is not H.264."""
    if not tracks or tracks[0].codec is not Codec.H264:
        codec = tracks[0].codec.value.upper() if tracks else "no video"
        raise AppError(
            ErrorKind.INVALID, f"This camera sends {codec}; only H.264 is shown over WebRTC. {_OTHER_WAYS}"
        )
    return tracks[0]


class SendTimes:
    """Times of sent units on one clock of 90 kHz that grows: late units close up, runs follow each other."""

    def __init__(self) -> None:
        self._ticks = 0
        self._last: AccessUnit | None = None

    def begin_run(self) -> None:
        """The next unit's pts says nothing about the last one's."""
        self._last = None

    def of(self, unit: AccessUnit, is_late: bool) -> int:
        """When to show the unit; INVALID for one that is shown before the one sent before it."""
        last, self._last = self._last, unit
        step = unit.pts - last.pts if last is not None else _CATCH_UP_TICKS
        if step < 0:
            raise AppError(
                ErrorKind.INVALID,
                f"This camera reorders pictures (B-frames), which WebRTC cannot show. {_OTHER_WAYS}",
            )
        self._ticks += max(1, min(step, _CATCH_UP_TICKS) if is_late else step)
        return self._ticks


class PictureTrack(MediaStreamTrack):
    """Gives aiortc the pictures of one viewer's queue, packet by packet, as it asks for them."""

    kind = "video"

    def __init__(self, track: TrackConfig, queue: LiveQueue, clock: Clock) -> None:
        super().__init__()
        self._track = track
        self._queue = queue
        self._clock = clock
        self._times = SendTimes()
        self._burst_bytes = 0
        self._given: tuple[int, int] | None = None
        self._origin: int | None = None
        self.sender: RTCRtpSender | None = None
        """aiortc's, which stamps what is taken from here."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when no more pictures come: the look has ended, or cannot be shown this way."""

    async def recv(self) -> CodedPacket:
        """The next picture; MediaStreamError (aiortc's word for an end) when none comes any more."""
        self._learn_origin()
        try:
            while (message := await self._queue.take()) is not None:
                content = message.content
                if isinstance(content, tuple):
                    self._track = require_h264(content)
                    self._times.begin_run()
                elif isinstance(content, AccessUnit):
                    return await self._packet(content)
        except (AppError, ProtocolError) as error:
            _log.info("a WebRTC viewer ends", why=error.message)
        self.finish()
        raise MediaStreamError

    async def _packet(self, unit: AccessUnit) -> CodedPacket:
        is_late = self._clock.monotonic_us() - unit.arrival_monotonic_us > _LATE_US
        ticks = self._times.of(unit, is_late)
        packet = annexb_packet(self._track, unit, ticks)
        self._given = (ticks, unit.arrival_us)
        self._queue.sent_bytes += len(unit.data)
        self._burst_bytes = self._burst_bytes + len(unit.data) if is_late else 0
        if self._burst_bytes > _BURST_BYTES:  # a whole GOP at once would overrun the viewer's socket
            self._burst_bytes = 0
            await asyncio.sleep(_BURST_PAUSE_S)
        return packet

    @property
    def last_sent(self) -> SentPicture | None:
        """The last picture's stamp; None before the second is asked for."""
        if self._given is None or self._origin is None:
            return None
        ticks, arrival_us = self._given
        return SentPicture((self._origin + ticks) & 0xFFFF_FFFF, arrival_us)

    def _learn_origin(self) -> None:
        """aiortc adds a random origin to our ticks, and tells it nowhere but in what it has sent last."""
        if self._origin is None and self._given is not None and self.sender is not None:
            sent: int = self.sender._RTCRtpSender__rtp_timestamp  # type: ignore[attr-defined]  # private
            self._origin = sent - self._given[0]

    def finish(self) -> None:
        """No more pictures."""
        if not self.over.done():
            self.over.set_result(None)


class WhepPeer:
    """One peer connection; `close` must follow. Made and used on the event loop."""

    def __init__(self, track: TrackConfig, queue: LiveQueue, clock: Clock) -> None:
        self._pictures = PictureTrack(track, queue, clock)
        self._connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._connected = asyncio.Event()
        self._connection.add_listener("connectionstatechange", self._state_changed)

    async def answer(self, offer: str, address: str) -> str:
        """The answer to an offer, with one port of `address`; INVALID for an offer that cannot be met.

        H.264 is preferred before the offer is read: else aiortc would send its bytes under VP8's name.
        """
        connection = self._connection
        transceiver = connection.addTransceiver(self._pictures, direction="sendonly")
        self._pictures.sender = transceiver.sender
        capabilities = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences(
            [one for one in capabilities if one.mimeType.lower() in {"video/h264", "video/rtx"}]
        )
        try:
            await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            await self._gather(transceiver.sender, address)
            await connection.setLocalDescription(await connection.createAnswer())
        except _REFUSALS as error:
            raise AppError(
                ErrorKind.INVALID, f"This offer cannot be met with H.264 ({error}). {_OTHER_WAYS}"
            ) from error
        return connection.localDescription.sdp

    @property
    def last_sent(self) -> SentPicture | None:
        """The last picture's stamp; None while none is known."""
        return self._pictures.last_sent

    async def run(self, connect_s: float) -> None:
        """Until the pictures end or the viewer goes; at once when he has not come within `connect_s`."""
        try:
            async with asyncio.timeout(connect_s):
                await self._connected.wait()
        except TimeoutError:
            _log.info("a WebRTC viewer did not connect", within_s=connect_s)
            return
        await self._pictures.over

    async def close(self) -> None:
        """Hang up and give the port back.

        Shielded: aiortc closes by itself, too, and whoever stops waiting for it breaks that.
        """
        self._pictures.finish()
        try:
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                await asyncio.shield(self._connection.close())
        except (TimeoutError, ConnectionError) as error:
            _log.warning("a WebRTC viewer could not be hung up on", why=type(error).__name__)

    async def _gather(self, sender: RTCRtpSender, address: str) -> None:
        """Open one port on the address the viewer has reached us at, instead of one on every address.

        aioice would take all addresses of the machine; it gathers only if this has not been done yet.
        """
        ice = sender.transport.transport.iceGatherer._connection
        ice._local_candidates_start = True
        ice._local_candidates = await ice.get_component_candidates(component=1, addresses=[address])
        ice._local_candidates_end = True
        if not ice._local_candidates:
            raise AppError(ErrorKind.UNAVAILABLE, f"No port for WebRTC can be opened. {_OTHER_WAYS}")

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self._connected.set()
        elif state in {"failed", "closed"}:
            self._connected.set()
            self._pictures.finish()
