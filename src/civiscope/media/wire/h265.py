"""H.265 from RTP (RFC 7798): single NAL units, aggregation packets and fragments, without DONL."""

from collections.abc import Sequence

from civiscope.base import ProtocolError
from civiscope.media.wire.depacketizer import MAX_UNIT_BYTES, RawUnit
from civiscope.media.wire.h265_sets import H265ParameterSets
from civiscope.media.wire.nal_depacketizer import NalAssembly, NalRules

_AP, _FU = 48, 49
_RULES = NalRules(
    picture=frozenset(range(32)),
    leading=frozenset({32, 33, 34, 35, 39, *range(41, 45), *range(48, 56)}),
    key=frozenset(range(16, 24)),
    sets=frozenset({32, 33, 34}),
    delimiter=35,
    fragment_header_bytes=3,
)


class H265Depacketizer(NalAssembly):
    """See `Depacketizer`. Parameter sets of the SDP go in as `sprop`; those in the stream overrule them."""

    def __init__(self, sprop: tuple[bytes, ...] = ()) -> None:
        super().__init__(_RULES, H265ParameterSets(sprop))

    def push(self, payload: memoryview, timestamp: int, marker: bool, gap: bool) -> Sequence[RawUnit]:
        """Take one payload; see `Depacketizer.push`."""
        if gap or timestamp != self._timestamp:
            self._turn(timestamp, gap)
        if len(payload) < 3:
            raise ProtocolError("an H.265 payload is shorter than its header")
        kind = payload[0] >> 1 & 0x3F
        if kind == _FU:
            self._fragment(payload)
        elif kind < _AP:
            self._whole(payload, 2, kind)
        elif kind == _AP:
            self._aggregate(payload)
        else:
            raise ProtocolError(f"an RTP payload of kind {kind} is not H.265")
        if marker:
            self._mark()
        return self._take() if self._ready else ()

    def _fragment(self, payload: memoryview) -> None:
        """RFC 7798 §4.4.3."""
        edge = payload[2]
        body = payload[3:]
        if edge & 0x80:
            kind = edge & 0x3F
            self._open(bytes((payload[0] & 0x81 | kind << 1, payload[1])), kind, body)
            self._middle = bytes((payload[0], payload[1], kind))
        elif self._open_at < 0:
            self._stray()
            return
        self._data += body
        if edge & 0x40:
            self._close()
        elif len(self._data) > MAX_UNIT_BYTES:
            self._overrun()

    def _aggregate(self, payload: memoryview) -> None:
        """RFC 7798 §4.4.2."""
        at, end = 2, len(payload)
        while at + 2 <= end:
            start = at + 2
            at = start + (payload[at] << 8 | payload[at + 1])
            if at > end:
                raise ProtocolError("an H.265 aggregation packet ends inside a NAL unit")
            if at - start >= 2:
                self._whole(payload[start:at], 2, payload[start] >> 1 & 0x3F)
