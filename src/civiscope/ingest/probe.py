"""Opening a stream once, to see what is there and to say in plain words what is wrong."""

import asyncio
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path

from civiscope.base import Clock, RunId, StreamId, SystemClock, get_log
from civiscope.devices import DeviceGate, Trouble, TroubleError, TroubleReport
from civiscope.ingest.connection import TlsWitness
from civiscope.ingest.life import Session, begin_session
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason, Probed, StreamSource, Transport
from civiscope.ingest.network import Network
from civiscope.ingest.reaching import Reaching
from civiscope.ingest.run import Run
from civiscope.ingest.settings import IntakeSettings
from civiscope.media import AccessUnit, SenderClock, TrackConfig
from civiscope.media.wire import Arrival

_TICK_S = 0.02
_BUFFER_BYTES = 256 * 1024
_WITNESS_S = 2.0
_log = get_log("civiscope.ingest.probe")


class _Look:
    """A sink that keeps the tracks, the first key unit of the picture, and what the camera's clock shows."""

    def __init__(self) -> None:
        self.tracks: tuple[TrackConfig, ...] = ()
        self.key_unit: AccessUnit | None = None
        self.clock_offset_ms: int | None = None

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
        self.clock_offset_ms = (report.camera_us - report.arrival_us) // 1000

    def run_ended(
        self, stream_id: StreamId, run_id: RunId, at_us: int, reason: LossReason, detail: str
    ) -> None:
        return

    def stream_waiting(self, stream_id: StreamId, at_us: int, reason: LossReason, detail: str) -> None:
        return


@dataclass(frozen=True, slots=True)
class _Means:
    """What one probe works with, and until when."""

    settings: IntakeSettings
    network: Network
    clock: Clock
    deadline_us: int

    @property
    def left_s(self) -> float:
        return max(0.0, (self.deadline_us - self.clock.monotonic_us()) / 1e6)

    def now(self) -> Arrival:
        return Arrival(self.clock.now_us(), self.clock.monotonic_us())


async def probe(
    source: StreamSource,
    timeout_s: float = 6.0,
    *,
    gate: DeviceGate,
    settings: IntakeSettings | None = None,
    import_folders: tuple[Path, ...] = (),
) -> Probed:
    """What the camera has, and its first key frame; TroubleError says what is wrong and what to do.

    Without `settings`, patience follows `timeout_s`, and only files below `import_folders` are opened.
    With no key frame in time but known tracks it answers without one.
    """
    clock = SystemClock()
    deadline_us = clock.monotonic_us() + int(timeout_s * 1e6)
    settings = settings or IntakeSettings(
        connect_timeout_s=min(2.0, timeout_s / 3), import_folders=import_folders
    )
    attempts = [Transport.TCP, Transport.UDP] if source.transport is Transport.AUTO else [source.transport]
    if not source.url.startswith("rtsp"):
        attempts = [Transport.TCP]
    means = _Means(settings, Network(gate), clock, deadline_us)
    try:
        for place, transport in enumerate(attempts):
            found = await _try(source, transport, means, is_last=place == len(attempts) - 1)
            if found is not None:
                return found
    except Lost as lost:
        raise TroubleError(await _report(lost, source, means)) from lost
    finally:
        means.network.close()
    words = "The camera offers neither TCP nor UDP for its stream."
    raise TroubleError(TroubleReport(Trouble.STREAM, words, "Look at its streaming settings."))


async def presented_certificate(url: str, timeout_s: float = 3.0, *, gate: DeviceGate) -> str:
    """SHA-256 of the certificate that an rtsps:// or https:// address presents, without trusting it.

    TroubleError when nothing is presented. Nothing but the handshake is sent.
    """
    clock = SystemClock()
    settings = IntakeSettings(connect_timeout_s=timeout_s / 2)
    means = _Means(settings, Network(gate), clock, clock.monotonic_us() + int(timeout_s * 1e6))
    try:
        return await _witness(url, means, timeout_s)
    except Lost as lost:
        report = TroubleReport(lost.trouble, lost.words, lost.advice)
        raise TroubleError(report) from lost
    finally:
        means.network.close()


async def _witness(url: str, means: _Means, timeout_s: float) -> str:
    """The fingerprint; `Lost` where there is none to see."""
    reaching = Reaching(url, means.network, TlsWitness(), timeout_s / 2)
    until_us = means.clock.monotonic_us() + int(timeout_s * 1e6)
    try:
        while means.clock.monotonic_us() < until_us:
            if reaching.open(means.clock.monotonic_us()) is not None:
                raise Lost(LossReason.TLS, "This address is not encrypted: it has no certificate.")
            await asyncio.sleep(_TICK_S)
        raise reaching.overdue()
    except Lost as lost:
        if lost.fingerprint is None:
            raise
        return lost.fingerprint
    finally:
        reaching.close()


async def _report(lost: Lost, source: StreamSource, means: _Means) -> TroubleReport:
    """The trouble; for a certificate that nobody vouches for, with what it is."""
    fingerprint = lost.fingerprint
    if lost.trouble is Trouble.CERTIFICATE and fingerprint is None and means.left_s > _TICK_S:
        try:
            fingerprint = await _witness(source.url, means, min(_WITNESS_S, means.left_s))
        except Lost:
            fingerprint = None
    return TroubleReport(lost.trouble, lost.words, lost.advice, fingerprint)


async def _try(source: StreamSource, transport: Transport, means: _Means, *, is_last: bool) -> Probed | None:
    """One attempt; None if the camera does not do this transport and another is left."""
    look = _Look()
    run = Run(source.stream_id, [look], means.settings.hold_bytes, _log)
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    session = begin_session(source, transport, means.settings, means.network, run)
    try:
        while look.key_unit is None and means.left_s > 0:
            session.poll(buffer, means.now())
            await asyncio.sleep(_TICK_S)
        if not look.tracks:
            raise session.overdue()
    except Lost:
        if session.transport_refused and not is_last:
            return None
        if not look.tracks:
            raise
    finally:
        session.close(means.now())
    offset_ms = look.clock_offset_ms if look.clock_offset_ms is not None else _date_offset_ms(session)
    return Probed(look.tracks, look.key_unit, transport, session.sends_password_in_clear, offset_ms)


def _date_offset_ms(session: Session) -> int | None:
    """By the Date header, whole seconds; None where it is missing or unreadable."""
    if session.date_arrival_us is None:
        return None
    try:
        told = parsedate_to_datetime(session.camera_date)
        shown_us = int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * 1e6)
    except (ValueError, TypeError, OverflowError):
        return None
    return (shown_us - session.date_arrival_us) // 1000
