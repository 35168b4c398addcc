"""H.264 from RTP (RFC 6184): single NAL units, STAP-A/B, FU-A/B, in packetization modes 0 and 1."""

from collections.abc import Sequence

from civiscope.base import ProtocolError
from civiscope.media.wire.bitstream import BitReader, unescape
from civiscope.media.wire.depacketizer import MAX_UNIT_BYTES, RawUnit
from civiscope.media.wire.h264_sets import H264ParameterSets
from civiscope.media.wire.nal_depacketizer import NalAssembly, NalRules

_STAP_A, _STAP_B, _FU_A, _FU_B = 24, 25, 28, 29
_SEI = 6
_RECOVERY_POINT = 6
_INTRA_SLICES = frozenset({2, 7})
_RULES = NalRules(
    picture=frozenset({1, 2, 3, 4, 5}),
    leading=frozenset({6, 7, 8, 9, 14, 15, 16, 17, 18}),
    key=frozenset({5}),
    sets=frozenset({7, 8}),
    delimiter=9,
    fragment_header_bytes=2,
)


class H264Depacketizer(NalAssembly):
    """See `Depacketizer`. Parameter sets of the SDP go in as `sprop`; those in the stream overrule them."""

    def __init__(self, sprop: tuple[bytes, ...] = ()) -> None:
        super().__init__(_RULES, H264ParameterSets(sprop))
        self._recovery = False

    def push(self, payload: memoryview, timestamp: int, marker: bool, gap: bool) -> Sequence[RawUnit]:
        """Take one payload; see `Depacketizer.push`."""
        if gap or timestamp != self._timestamp:
            self._turn(timestamp, gap)
        kind = payload[0] & 0x1F
        if kind == _FU_A:
            if len(payload) > 2 and payload[1] < 0x40 and self._open_at >= 0:
                self._data += payload[2:]  # neither first nor last: nine packets of ten
                if len(self._data) > MAX_UNIT_BYTES:
                    self._overrun()
                return ()
            self._fragment(payload, 2)
        elif 0 < kind < _STAP_A:
            self._single(payload, kind)
        elif kind == _STAP_A:
            self._aggregate(payload, 1)
        elif kind == _STAP_B:
            self._aggregate(payload, 3)
        elif kind == _FU_B:
            self._fragment(payload, 4)
        else:
            raise ProtocolError(f"an RTP payload of kind {kind} is not H.264")
        if marker:
            self._mark()
        return self._take() if self._ready else ()

    def _fragment(self, payload: memoryview, header_bytes: int) -> None:
        """RFC 6184 §5.8; a FU-B begins a NAL unit and carries a decoding order number that mode 1 ignores."""
        if len(payload) <= header_bytes:
            raise ProtocolError("an H.264 fragment is empty")
        edge = payload[1]
        body = payload[header_bytes:]
        if edge & 0x80:
            kind = edge & 0x1F
            self._open(bytes((payload[0] & 0xE0 | kind,)), kind, body)
            self._middle = bytes((payload[0] & 0xE0 | _FU_A, kind))
        elif self._open_at < 0:
            self._stray()
            return
        self._data += body
        if edge & 0x40:
            self._close()
        elif len(self._data) > MAX_UNIT_BYTES:
            self._overrun()

    def _aggregate(self, payload: memoryview, at: int) -> None:
        """RFC 6184 §5.7.1; lengths of zero, as some cameras pad with, are passed over."""
        end = len(payload)
        while at + 2 <= end:
            start = at + 2
            at = start + (payload[at] << 8 | payload[at + 1])
            if at > end:
                raise ProtocolError("an H.264 aggregation packet ends inside a NAL unit")
            if at > start:
                self._single(payload[start:at], payload[start] & 0x1F)

    def _single(self, nal: memoryview, kind: int) -> None:
        self._whole(nal, 1, kind)
        if kind == _SEI:
            self._recovery = self._recovery or _says_recovery(bytes(nal[1:256]))

    def _is_recovery(self, body: memoryview) -> bool:
        """An I slice right after a recovery point SEI that needs no further pictures (ITU-T H.264 §D.2.8)."""
        if not self._recovery:
            return False
        self._recovery = False
        try:
            reader = BitReader(unescape(bytes(body[:16])))
            reader.unsigned()
            return reader.unsigned() in _INTRA_SLICES
        except ProtocolError:
            return False


def _says_recovery(payload: bytes) -> bool:
    """True if the SEI holds a recovery point with recovery_frame_cnt 0 (ITU-T H.264 §7.3.2.3.1)."""
    data = unescape(payload)
    at = 0
    while at + 2 < len(data):
        numbers = []
        for _ in range(2):
            value = 0
            while at < len(data) and data[at] == 0xFF:
                value += 255
                at += 1
            if at >= len(data):
                return False
            numbers.append(value + data[at])
            at += 1
        kind, size = numbers
        if kind == _RECOVERY_POINT and at < len(data):
            return data[at] >= 0x80
        at += size
    return False
