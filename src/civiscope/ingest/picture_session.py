"""One session with one camera that gives Motion JPEG by HTTP: from look-up to the last picture."""

from collections.abc import Sequence

from civiscope.base import ProtocolError
from civiscope.devices import Trouble
from civiscope.ingest.connection import Connection, TlsTrust
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason, StreamSource
from civiscope.ingest.network import Network
from civiscope.ingest.reaching import Reaching
from civiscope.ingest.run import Run, RunTrack
from civiscope.ingest.settings import IntakeSettings
from civiscope.ingest.strangers import FIRST_BYTES, stranger
from civiscope.media import Codec, UnitFlags
from civiscope.media.wire import (
    Arrival,
    CodecConfig,
    ConnectionNeeded,
    Credentials,
    Ended,
    EndReason,
    HttpPicture,
    PictureClient,
    PictureEvent,
    PictureUnchanged,
    TimedUnit,
    jpeg_size,
)

_CLOCK_HZ = 90_000
_SLICE_BYTES = 64 * 1024
_MAX_PICTURES = 60
_MAX_READS = 4
_MAX_TLS_READS = 128
"""Of one camera in one tick, as in `CameraSession`; what is too much waits for the next one."""
_LOOK_EVERY_US = 100_000
_REASONS = {
    EndReason.AUTHENTICATION: (LossReason.AUTHENTICATION, Trouble.AUTHENTICATION),
    EndReason.REFUSED: (LossReason.REFUSED, Trouble.STREAM),
    EndReason.REDIRECTED: (LossReason.REFUSED, Trouble.STREAM),
    EndReason.UNSUPPORTED: (LossReason.PROTOCOL, Trouble.NOT_A_CAMERA),
    EndReason.TIMEOUT: (LossReason.UNREACHABLE, Trouble.TIMEOUT),
    EndReason.PROTOCOL: (LossReason.PROTOCOL, Trouble.STREAM),
}
_ADVICE = {
    EndReason.AUTHENTICATION: "Enter the name and password of a user of the camera who may see its pictures.",
    EndReason.REFUSED: "Check the path after the host name; the camera's manual or its page names it.",
    EndReason.UNSUPPORTED: "Type the address of its Motion JPEG or of its still picture.",
    EndReason.TIMEOUT: "A camera that is starting may need a minute.",
}


class PictureSession:
    """See `life.Session`. Times are those of arrival, for Motion JPEG by HTTP carries none."""

    def __init__(self, source: StreamSource, settings: IntakeSettings, network: Network, run: Run) -> None:
        self.transport_refused = False
        self.lost_packets = 0
        self.date_arrival_us: int | None = None
        self._source = source
        self._settings = settings
        self._network = network
        self._run = run
        self._trust = TlsTrust(source.tls_fingerprint, settings.ca_file)
        credentials = Credentials(source.username, source.password or "") if source.username else None
        self._client = PictureClient(source.url, credentials, int(settings.answer_timeout_s * 1e6))
        self._reaching: Reaching | None = Reaching(
            source.url, network, self._trust, settings.connect_timeout_s
        )
        self._is_tls = self._reaching.endpoint.is_tls
        self._connection: Connection | None = None
        self._first = b""
        self._left = b""
        self._size: tuple[int, int] | None = None
        self._origin_us: int | None = None
        self._pts = -1
        self._heard_us: int | None = None
        """When the last picture came, or the camera last said that it is unchanged."""
        self._look_due_us = 0

    @property
    def peer(self) -> tuple[str, int] | None:
        """See `life.Session`."""
        return self._reaching.peer if self._reaching is not None else None

    @property
    def sends_password_in_clear(self) -> bool:
        """See `life.Session`."""
        return self._client.sends_password_in_clear

    @property
    def camera_date(self) -> str:
        """See `life.Session`."""
        return self._client.date

    def poll(self, buffer: memoryview, arrival: Arrival) -> None:
        """Take and give all that can be now; raises `Lost` when it is over."""
        connection = self._connection or self._open(arrival)
        if connection is None:
            self._check(arrival)
            return
        pictures = self._receive(memoryview(self._left), arrival) if self._left else 0
        for _ in range(_MAX_TLS_READS if self._is_tls else _MAX_READS):
            if pictures >= _MAX_PICTURES or self._connection is None:
                break
            count = self._read(connection, buffer, arrival)
            if not count:
                break
            pictures += self._receive(buffer[:count], arrival)
            if count < len(buffer) and not self._is_tls:
                break
        if arrival.monotonic_us >= self._look_due_us:
            self._look(arrival)

    def rest(self) -> tuple[int, int]:
        """See `life.Session`: while pictures flow on an open connection it waits for bytes."""
        connection = self._connection
        if connection is None or self._left or self._is_tls or self._size is None:
            return -1, 0
        return connection.descriptor, self._look_due_us

    def overdue(self) -> Lost:
        """See `life.Session`."""
        if self._connection is None and self._reaching is not None:
            return self._reaching.overdue()
        if self._client.is_described:
            return Lost(
                LossReason.STALLED,
                "The camera took the request but sent no whole picture in time.",
                "Look at its encoder, or ask for smaller pictures.",
            )
        return Lost(
            LossReason.UNREACHABLE,
            "What answers at this address took the connection, and then was silent.",
            "Check the port. A camera that is starting may need a minute.",
            trouble=Trouble.TIMEOUT,
        )

    def flush(self) -> None:
        """Nothing: pictures come whole."""

    def close(self, arrival: Arrival) -> None:
        """Let go of the socket."""
        del arrival
        self._connection = None
        if self._reaching is not None:
            self._reaching.close()

    def _open(self, arrival: Arrival) -> Connection | None:
        """Connect, or connect again for the next request."""
        if self._reaching is None:
            if not self._client.wants_connection(arrival.monotonic_us):
                return None
            self._reaching = Reaching(
                self._source.url, self._network, self._trust, self._settings.connect_timeout_s
            )
        connection = self._reaching.open(arrival.monotonic_us)
        if connection is not None:
            self._connection = connection
            self._client.connected(arrival.monotonic_us)
            connection.send(self._client.outgoing())
        return connection

    def _hang_up(self) -> None:
        self._connection, self._left = None, b""
        if self._reaching is not None:
            self._reaching.close()
            self._reaching = None

    def _read(self, connection: Connection, buffer: memoryview, arrival: Arrival) -> int:
        try:
            count = connection.read_into(buffer)
        except Lost as lost:
            if lost.reason is not LossReason.CLOSED:
                raise
            if not self._first:
                raise stranger(b"", "HTTP") from lost
            self._handle(self._client.closed(arrival.monotonic_us), arrival)
            self._hang_up()
            return 0
        if len(self._first) < FIRST_BYTES:
            self._first += bytes(buffer[: min(count, FIRST_BYTES)])
        return count

    def _receive(self, data: memoryview, arrival: Arrival) -> int:
        """How many pictures came; what is too much for one tick is left for the next one."""
        pictures = at = 0
        while at < len(data) and pictures < _MAX_PICTURES and self._connection is not None:
            some = data[at : at + _SLICE_BYTES]
            at += len(some)
            self._left = b""
            pictures += self._handle(self._client.receive(some, arrival.monotonic_us), arrival)
        if self._connection is not None:
            self._left = bytes(data[at:])
        return pictures

    def _handle(self, events: Sequence[PictureEvent], arrival: Arrival) -> int:
        pictures = 0
        if self.date_arrival_us is None and self._client.date:
            self.date_arrival_us = arrival.utc_us
        for event in events:
            match event:
                case HttpPicture():
                    pictures += 1
                    self._deliver(event.data, arrival)
                case PictureUnchanged():
                    self._heard_us = arrival.monotonic_us
                case ConnectionNeeded():
                    self._hang_up()
                case Ended():
                    raise self._loss_of(event)
        return pictures

    def _loss_of(self, ended: Ended) -> Lost:
        if ended.reason is EndReason.PROTOCOL and not self._first.startswith(b"HTTP/"):
            return stranger(self._first, "HTTP")
        reason, trouble = _REASONS.get(ended.reason, (LossReason.CLOSED, Trouble.STREAM))
        return Lost(reason, ended.detail, _ADVICE.get(ended.reason, ""), trouble=trouble)

    def _look(self, arrival: Arrival) -> None:
        self._look_due_us = arrival.monotonic_us + _LOOK_EVERY_US
        self._handle(self._client.tick(arrival.monotonic_us), arrival)
        if self._connection is not None:
            self._connection.send(self._client.outgoing())
        self._check(arrival)

    def _check(self, arrival: Arrival) -> None:
        """Raise `Lost` when pictures should come and none does."""
        if not self._client.is_described:
            return
        if self._heard_us is None:
            self._heard_us = arrival.monotonic_us
        patience_s = self._settings.stall_s
        if self._size is None:
            patience_s = self._settings.first_packet_s or patience_s
        if arrival.monotonic_us - self._heard_us > patience_s * 1e6:
            raise Lost(LossReason.STALLED, f"The camera sent no picture for {patience_s:g} s.")

    def _deliver(self, picture: bytes, arrival: Arrival) -> None:
        try:
            size = jpeg_size(picture)
        except ProtocolError as error:
            raise Lost(
                LossReason.PROTOCOL, f"A picture cannot be read: {error.message}.", trouble=Trouble.STREAM
            ) from error
        self._heard_us = arrival.monotonic_us
        config = CodecConfig(width_px=size[0], height_px=size[1])
        if self._size is None:
            self._run.describe([RunTrack(1, Codec.MJPEG, _CLOCK_HZ, None)])
            self._origin_us = arrival.monotonic_us
        assert self._origin_us is not None  # set with the first picture
        pts = (arrival.monotonic_us - self._origin_us) * _CLOCK_HZ // 1_000_000
        self._pts = max(self._pts + 1, pts)
        unit = TimedUnit(
            self._pts, self._pts, arrival.utc_us, arrival.monotonic_us, UnitFlags.KEY,
            config if size != self._size else None, picture,
        )  # fmt: skip
        self._size = size
        self._run.deliver(1, unit)
