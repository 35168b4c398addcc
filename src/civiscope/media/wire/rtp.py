"""RTP packets (RFC 3550 §5.1) in plain form; the hot path of a recorder is `receiver`."""

import struct
from dataclasses import dataclass, field

from civiscope.base import ProtocolError, Whose

HEADER_BYTES = 12
SEQUENCE_MODULUS = 1 << 16
TIMESTAMP_MODULUS = 1 << 32
_HEADER = struct.Struct(">BBHII")


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet without its CSRC list, header extension and padding."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool
    payload: bytes | memoryview = field(repr=False)


def payload_bounds(view: memoryview, start: int, end: int) -> tuple[int, int]:
    """Where the payload of the packet in `view[start:end]` lies, any CSRC, extension and padding left out."""
    if end - start < HEADER_BYTES:
        raise ProtocolError("an RTP packet is shorter than its header")
    first = view[start]
    if first >> 6 != 2:
        raise ProtocolError("an RTP packet is not of version 2")
    at = start + HEADER_BYTES + 4 * (first & 0x0F)
    if first & 0x10:
        if at + 4 > end:
            raise ProtocolError("an RTP packet ends inside its header extension")
        at += 4 + 4 * int.from_bytes(view[at + 2 : at + 4])
    if first & 0x20:
        padding = view[end - 1]
        if padding == 0:
            raise ProtocolError("an RTP packet has a padding of length zero")
        end -= padding
    if at > end:
        raise ProtocolError("an RTP packet is shorter than its header says")
    return at, end


def parse_rtp(data: bytes | bytearray | memoryview) -> RtpPacket:
    """Read one packet; `payload` is a view into `data`."""
    view = memoryview(data)
    start, end = payload_bounds(view, 0, len(view))
    _, second, sequence, timestamp, ssrc = _HEADER.unpack_from(view)
    return RtpPacket(second & 0x7F, sequence, timestamp, ssrc, second >= 0x80, view[start:end])


def write_rtp(packet: RtpPacket) -> bytes:
    """The packet's bytes, without CSRC, extension or padding."""
    if not (0 <= packet.payload_type < 128 and 0 <= packet.sequence < SEQUENCE_MODULUS):
        raise ProtocolError("an RTP payload type or sequence number is out of range", Whose.LOCAL)
    return rtp_header(packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc, packet.marker) + (
        bytes(packet.payload)
    )


def rtp_header(payload_type: int, sequence: int, timestamp: int, ssrc: int, marker: bool) -> bytes:
    """The twelve bytes of a plain header; sequence and timestamp wrap by themselves."""
    second = payload_type | 0x80 if marker else payload_type
    return _HEADER.pack(0x80, second, sequence & 0xFFFF, timestamp & 0xFFFF_FFFF, ssrc & 0xFFFF_FFFF)
