"""Opening a stream once, to see what is there and to say in plain words what is wrong."""

import asyncio

from civiscope.base import AppError, Clock, ErrorKind, RunId, StreamId, SystemClock, get_log
from civiscope.devices import DeviceGate
from civiscope.ingest.camera import CameraSession
from civiscope.ingest.foreign import ForeignSession
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason, Probed, StreamSource, Transport
from civiscope.ingest.network import Network
from civiscope.ingest.run import Run
from civiscope.ingest.settings import IntakeSettings
from civiscope.media import AccessUnit, SenderClock, TrackConfig
from civiscope.media.wire import Arrival, RtpTransport

_TICK_S = 0.02
_BUFFER_BYTES = 256 * 1024
_KINDS = {
    LossReason.AUTHENTICATION: ErrorKind.INVALID,
    LossReason.PROTOCOL: ErrorKind.INVALID,
    LossReason.TLS: ErrorKind.INVALID,
    LossReason.GATE: ErrorKind.INVALID,
    LossReason.REFUSED: ErrorKind.INVALID,
    LossReason.STALLED: ErrorKind.TIMEOUT,
}
_log = get_log("civiscope.ingest.probe")


class _Look:
    """A sink that keeps the tracks and the first key unit of the picture."""

    def __init__(self) -> None:
        self.tracks: tuple[TrackConfig, ...] = ()
        self.key_unit: AccessUnit | None = None

    def run_started(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        self.tracks = tracks

    def tracks_changed(
        self, stream_id: StreamId, run_id: RunId, tracks: tuple[TrackConfig, ...], at_us: int
    ) -> None:
        self.tracks = tracks

    def unit(self, stream_id: StreamId, run_id: RunId, unit: AccessUnit) -> None:
        if self.key_unit is None and unit.is_key and unit.track_id == 1:
            self.key_unit = unit

    def sender_clock(self, stream_id: StreamId, run_id: RunId, report: SenderClock) -> None:
        return

    def run_ended(
        self, stream_id: StreamId, run_id: RunId, at_us: int, reason: LossReason, detail: str
    ) -> None:
        return

    def stream_waiting(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
        return


async def probe(
    source: StreamSource,
    timeout_s: float = 6.0,
    *,
    gate: DeviceGate,
    settings: IntakeSettings | None = None,
) -> Probed:
    """What the camera has, and its first key frame; AppError says what is wrong and what to do.

    With no key frame in time but known tracks it answers without one.
    """
    clock = SystemClock()
    deadline_us = clock.monotonic_us() + int(timeout_s * 1e6)
    settings = settings or IntakeSettings(connect_timeout_s=min(3.0, timeout_s / 2))
    attempts = [Transport.TCP, Transport.UDP] if source.transport is Transport.AUTO else [source.transport]
    network = Network(gate)
    try:
        for place, transport in enumerate(attempts):
            found = await _try(
                source, transport, settings, network, (clock, deadline_us), place == len(attempts) - 1
            )
            if found is not None:
                return found
    finally:
        network.close()
    raise AppError(ErrorKind.UNAVAILABLE, "The camera offers neither TCP nor UDP for its stream.")


async def _try(
    source: StreamSource,
    transport: Transport,
    settings: IntakeSettings,
    network: Network,
    until: tuple[Clock, int],
    is_last: bool,
) -> Probed | None:
    """One attempt; None if the camera does not do this transport and another is left."""
    clock, deadline_us = until
    look = _Look()
    run = Run(source.stream_id, [look], settings.hold_bytes, _log)
    session: CameraSession | ForeignSession | None = None
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    try:
        session = (
            ForeignSession(source, transport, settings, network, run)
            if source.foreign
            else CameraSession(source, RtpTransport(transport.value), settings, network, run)
        )
        while look.key_unit is None and clock.monotonic_us() < deadline_us:
            session.poll(buffer, Arrival(clock.now_us(), clock.monotonic_us()))
            await asyncio.sleep(_TICK_S)
    except Lost as lost:
        if session is not None and session.transport_refused and not is_last:
            return None
        if not look.tracks:
            raise AppError(_KINDS.get(lost.reason, ErrorKind.UNAVAILABLE), lost.detail) from lost
    finally:
        if session is not None:
            session.close(Arrival(clock.now_us(), clock.monotonic_us()))
    if not look.tracks:
        raise _nothing_came(session)
    in_clear = isinstance(session, CameraSession) and session.sends_password_in_clear
    return Probed(look.tracks, look.key_unit, transport, in_clear)


def _nothing_came(session: CameraSession | ForeignSession | None) -> AppError:
    if isinstance(session, CameraSession) and session.is_playing:
        return AppError(
            ErrorKind.TIMEOUT,
            "The camera accepted the connection but sent no picture that can be read in time: "
            "check its encoder, or try the other transport.",
        )
    return AppError(ErrorKind.TIMEOUT, "The camera did not answer in time: check address, cable and power.")
