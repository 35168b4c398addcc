"""Sound whose packets are its access units: G.711 (RFC 3551 §4.5.14) and Opus (RFC 7587)."""

from collections.abc import Sequence

from civiscope.base import ProtocolError
from civiscope.media.model import UnitFlags
from civiscope.media.wire.depacketizer import CodecConfig, RawUnit


class WholeDepacketizer:
    """See `Depacketizer`. Every payload is one unit, whatever the marker says."""

    def __init__(self, config: CodecConfig) -> None:
        self._config = config

    @property
    def config(self) -> CodecConfig | None:
        """As the SDP said."""
        return self._config

    def push(self, payload: memoryview, timestamp: int, marker: bool, gap: bool) -> Sequence[RawUnit]:
        """Take one payload; see `Depacketizer.push`."""
        del marker  # begins a talk spurt; nothing here cares
        if not payload:
            raise ProtocolError("a packet of sound is empty")
        flags = UnitFlags.KEY | (UnitFlags.DISCONTINUITY if gap else UnitFlags.NONE)
        return (RawUnit(bytes(payload), timestamp, flags),)

    def flush(self) -> Sequence[RawUnit]:
        """Nothing is ever under way."""
        return ()
