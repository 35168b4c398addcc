"""RTCP: sender and receiver reports, source description, goodbye (RFC 3550 §6).

Compound packets are read leniently: cameras send a sender report alone, or with a wrong last length.
"""

import struct
from dataclasses import dataclass

from civiscope.base import ProtocolError, Whose

_NTP_EPOCH_S = 2_208_988_800
"""Seconds from 1900-01-01 (NTP) to 1970-01-01."""
_SR, _RR, _SDES, _BYE = 200, 201, 202, 203
_MAX_PACKETS = 32
_REPORT_BLOCK = struct.Struct(">IIIIII")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one receiver says of one source (RFC 3550 §6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Share of packets lost since the report before, in 1/256."""
    total_lost: int
    """Signed: duplicates count against it."""
    highest_sequence: int
    """Extended: cycles in the upper 16 bits."""
    jitter: int
    """In ticks of the RTP clock."""
    last_sender_report: int
    """The middle 32 bits of the NTP time of the last sender report; 0 if none came."""
    delay_since: int
    """Time since that report in 1/65,536 s."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """By the sender's clock, `rtp_timestamp` happened at `ntp` (RFC 3550 §6.4.1)."""

    ssrc: int
    ntp: int
    """64-bit NTP time: seconds since 1900 in the upper half, fraction in the lower."""
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    blocks: tuple[ReportBlock, ...] = ()

    @property
    def camera_us(self) -> int:
        """The sender's time as UTC microseconds since 1970; wild if its clock was never set."""
        return ntp_to_us(self.ntp)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """How well a receiver hears."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """The canonical name of a source; other items are passed over."""

    ssrc: int
    cname: str


@dataclass(frozen=True, slots=True)
class Bye:
    """These sources have ended."""

    ssrcs: tuple[int, ...]


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Bye


def ntp_to_us(ntp: int) -> int:
    """64-bit NTP time as microseconds since 1970 (rounded); negative before."""
    return ((ntp * 1_000_000 + (1 << 31)) >> 32) - _NTP_EPOCH_S * 1_000_000


def us_to_ntp(time_us: int) -> int:
    """Microseconds since 1970 as 64-bit NTP time."""
    return ((time_us + _NTP_EPOCH_S * 1_000_000) << 32) // 1_000_000 & 0xFFFF_FFFF_FFFF_FFFF


def parse_rtcp(data: bytes | bytearray | memoryview) -> list[RtcpPacket]:
    """All packets of one compound packet that we know; unknown kinds are passed over."""
    raw = bytes(data)
    packets: list[RtcpPacket] = []
    at = 0
    while at + 4 <= len(raw) and len(packets) < _MAX_PACKETS:
        first, kind, words = struct.unpack_from(">BBH", raw, at)
        if first >> 6 != 2:
            raise ProtocolError("an RTCP packet is not of version 2")
        end = min(at + 4 + 4 * words, len(raw))
        packet = _parse_one(kind, first & 0x1F, raw[at + 4 : end])
        if packet is not None:
            packets.append(packet)
        at += 4 + 4 * words
    if at == 0:
        raise ProtocolError("an RTCP packet is shorter than its header")
    return packets


def _parse_one(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    if kind == _SR:
        if len(body) < 24:
            raise ProtocolError("an RTCP sender report is too short")
        ssrc, ntp, timestamp, packet_count, octets = struct.unpack_from(">IQIII", body)
        return SenderReport(ssrc, ntp, timestamp, packet_count, octets, _parse_blocks(body[24:], count))
    if kind == _RR:
        if len(body) < 4:
            raise ProtocolError("an RTCP receiver report is too short")
        return ReceiverReport(int.from_bytes(body[:4]), _parse_blocks(body[4:], count))
    if kind == _SDES:
        return _parse_description(body)
    if kind == _BYE:
        return Bye(tuple(int.from_bytes(body[i : i + 4]) for i in range(0, min(4 * count, len(body) - 3), 4)))
    return None


def _parse_blocks(body: bytes, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(min(count, len(body) // 24)):
        ssrc, lost, highest, jitter, last, delay = _REPORT_BLOCK.unpack_from(body, 24 * index)
        total = lost & 0xFF_FFFF
        total -= (total & 0x80_0000) << 1
        blocks.append(ReportBlock(ssrc, lost >> 24, total, highest, jitter, last, delay))
    return tuple(blocks)


def _parse_description(body: bytes) -> SourceDescription | None:
    if len(body) < 4:
        return None
    at = 4
    while at + 2 <= len(body) and body[at]:
        item, length = body[at], body[at + 1]
        if item == 1:
            name = body[at + 2 : at + 2 + length].decode("utf-8", "replace")
            return SourceDescription(int.from_bytes(body[:4]), name)
        at += 2 + length
    return None


def write_sender_report(report: SenderReport, cname: str) -> bytes:
    """A compound packet: sender report and source description (RFC 3550 §6.1)."""
    body = struct.pack(
        ">IQIII",
        report.ssrc,
        report.ntp,
        report.rtp_timestamp & 0xFFFF_FFFF,
        report.packet_count & 0xFFFF_FFFF,
        report.octet_count & 0xFFFF_FFFF,
    )
    body += b"".join(map(_write_block, report.blocks))
    return _packet(_SR, len(report.blocks), body) + write_description(report.ssrc, cname)


def write_receiver_report(report: ReceiverReport, cname: str) -> bytes:
    """A compound packet: receiver report and source description (RFC 3550 §6.1)."""
    body = report.ssrc.to_bytes(4) + b"".join(map(_write_block, report.blocks))
    return _packet(_RR, len(report.blocks), body) + write_description(report.ssrc, cname)


def write_description(ssrc: int, cname: str) -> bytes:
    """A source description with the canonical name only."""
    name = cname.encode()[:255]
    item = ssrc.to_bytes(4) + bytes((1, len(name))) + name
    return _packet(_SDES, 1, item + b"\0" * (4 - len(item) % 4))


def write_bye(*ssrcs: int) -> bytes:
    """A goodbye of these sources."""
    return _packet(_BYE, len(ssrcs), b"".join(ssrc.to_bytes(4) for ssrc in ssrcs))


def _write_block(block: ReportBlock) -> bytes:
    lost = (block.fraction_lost & 0xFF) << 24 | (
        max(-0x80_0000, min(0x7F_FFFF, block.total_lost)) & 0xFF_FFFF
    )
    return _REPORT_BLOCK.pack(
        block.ssrc,
        lost,
        block.highest_sequence & 0xFFFF_FFFF,
        block.jitter & 0xFFFF_FFFF,
        block.last_sender_report & 0xFFFF_FFFF,
        block.delay_since & 0xFFFF_FFFF,
    )


def _packet(kind: int, count: int, body: bytes) -> bytes:
    if count > 31:
        raise ProtocolError("an RTCP packet holds at most 31 entries", Whose.LOCAL)
    return struct.pack(">BBH", 0x80 | count, kind, len(body) // 4) + body
