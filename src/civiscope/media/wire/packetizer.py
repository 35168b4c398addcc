"""Access units into RTP packets, for the simulator and the tests."""

from collections.abc import Callable, Sequence

from civiscope.base import ProtocolError, Whose
from civiscope.media.model import Codec, TrackConfig
from civiscope.media.wire.jpeg import jpeg_payloads
from civiscope.media.wire.nal import iterate_nals
from civiscope.media.wire.rtp import HEADER_BYTES, rtp_header

DEFAULT_MTU_BYTES = 1400
_MIN_MTU_BYTES = 64

Split = Callable[[bytes, int], Sequence[bytes]]
"""Cuts one access unit into payloads of at most so many bytes; the last one carries the marker."""


class Packetizer:
    """Gives each access unit of one track its packets; sequence numbers run on over units and wrap.

    The same unit cut twice gives the same payloads: `payloads` may be kept and sent again with `wrap`.
    """

    def __init__(self, split: Split, payload_type: int, ssrc: int, sequence: int, mtu_bytes: int) -> None:
        if mtu_bytes < _MIN_MTU_BYTES:
            raise ProtocolError(f"an MTU of {mtu_bytes} bytes is too small for RTP", Whose.LOCAL)
        self.payload_type = payload_type
        self.ssrc = ssrc
        self.sequence = sequence & 0xFFFF
        """Of the next packet."""
        self.packet_count = 0
        self.octet_count = 0
        """Payload bytes sent, as sender reports tell it."""
        self._split = split
        self._room_bytes = mtu_bytes - HEADER_BYTES

    def payloads(self, unit_data: bytes) -> Sequence[bytes]:
        """The unit's RTP payloads in order, without headers; depends on nothing but the unit."""
        return self._split(unit_data, self._room_bytes)

    def wrap(self, payloads: Sequence[bytes], timestamp: int) -> list[bytes]:
        """Packets for payloads of one unit: headers with the next sequence numbers, marker on the last."""
        packets = []
        last = len(payloads) - 1
        for index, payload in enumerate(payloads):
            packets.append(
                rtp_header(self.payload_type, self.sequence, timestamp, self.ssrc, index == last) + payload
            )
            self.sequence = (self.sequence + 1) & 0xFFFF
            self.octet_count += len(payload)
        self.packet_count += len(payloads)
        return packets

    def packets(self, unit_data: bytes, timestamp: int) -> list[bytes]:
        """The packets of one access unit at an RTP timestamp (taken modulo 2**32)."""
        return self.wrap(self.payloads(unit_data), timestamp)


def packetizer_for(
    config: TrackConfig,
    payload_type: int,
    ssrc: int,
    *,
    sequence: int = 0,
    mtu_bytes: int = DEFAULT_MTU_BYTES,
) -> Packetizer:
    """The packetizer of a track's codec; AAC goes as AAC-hbr, H.264 in packetization mode 1."""
    return Packetizer(_SPLITS[config.codec], payload_type, ssrc, sequence, mtu_bytes)


def h264_payloads(unit_data: bytes, room_bytes: int) -> list[bytes]:
    """Single NAL unit packets, and FU-A for what does not fit (RFC 6184 §5.6, §5.8)."""
    payloads: list[bytes] = []
    for nal in iterate_nals(unit_data):
        if len(nal) <= room_bytes:
            payloads.append(bytes(nal))
            continue
        indicator, kind = nal[0] & 0xE0 | 28, nal[0] & 0x1F
        payloads.extend(_fragments(nal[1:], bytes((indicator,)), kind, room_bytes))
    return payloads


def h265_payloads(unit_data: bytes, room_bytes: int) -> list[bytes]:
    """Single NAL unit packets, and FU for what does not fit; no DONL (RFC 7798 §4.4.1, §4.4.3)."""
    payloads: list[bytes] = []
    for nal in iterate_nals(unit_data):
        if len(nal) <= room_bytes:
            payloads.append(bytes(nal))
            continue
        header = bytes((nal[0] & 0x81 | 49 << 1, nal[1]))
        payloads.extend(_fragments(nal[2:], header, nal[0] >> 1 & 0x3F, room_bytes))
    return payloads


def _fragments(body: memoryview, header: bytes, kind: int, room_bytes: int) -> list[bytes]:
    step = room_bytes - len(header) - 1
    pieces = []
    for start in range(0, len(body), step):
        edge = (0x80 if start == 0 else 0) | (0x40 if start + step >= len(body) else 0)
        pieces.append(header + bytes((edge | kind,)) + body[start : start + step])
    return pieces


def h264_aggregate(nals: Sequence[bytes]) -> bytes:
    """One STAP-A of these NAL units (RFC 6184 §5.7.1): what some cameras send their parameter sets in."""
    head = max(nal[0] & 0x60 for nal in nals) | 24
    return bytes((head,)) + b"".join(len(nal).to_bytes(2) + nal for nal in nals)


def h265_aggregate(nals: Sequence[bytes]) -> bytes:
    """One aggregation packet of these NAL units (RFC 7798 §4.4.2)."""
    return bytes((48 << 1, nals[0][1])) + b"".join(len(nal).to_bytes(2) + nal for nal in nals)


def aac_payloads(unit_data: bytes, room_bytes: int) -> list[bytes]:
    """One frame a packet behind one AU header, cut if too long (RFC 3640 §3.2, AAC-hbr)."""
    if len(unit_data) >= 1 << 13:
        raise ProtocolError("an AAC frame is longer than AAC-hbr can say", Whose.LOCAL)
    header = b"\x00\x10" + (len(unit_data) << 3).to_bytes(2)
    step = room_bytes - len(header)
    return [header + unit_data[start : start + step] for start in range(0, len(unit_data), step)]


def whole_payload(unit_data: bytes, room_bytes: int) -> list[bytes]:
    """The unit is the payload (G.711: RFC 3551 §4.5.14; Opus: RFC 7587 §4.2); there is no cutting."""
    if len(unit_data) > room_bytes:
        raise ProtocolError("a frame of sound does not fit into one packet", Whose.LOCAL)
    return [unit_data]


_SPLITS: dict[Codec, Split] = {
    Codec.H264: h264_payloads,
    Codec.H265: h265_payloads,
    Codec.MJPEG: jpeg_payloads,
    Codec.AAC: aac_payloads,
    Codec.PCMU: whole_payload,
    Codec.PCMA: whole_payload,
    Codec.OPUS: whole_payload,
}
