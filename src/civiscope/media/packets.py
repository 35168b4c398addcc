"""Access units as packets for who sends or decodes them: start codes instead of lengths."""

from fractions import Fraction
from typing import TypeAlias

from av.packet import Packet
from av.stream import Stream

from civiscope.media.model import AccessUnit, Codec, TrackConfig
from civiscope.media.wire.nal import iterate_nals

CodedPacket: TypeAlias = "Packet[Stream]"
"""libav's packet, for rooms that hand one on and know nothing else of libav."""
_START_CODE = b"\0\0\0\1"
_TICK = Fraction(1, 90_000)


def annexb(track: TrackConfig, unit: AccessUnit) -> bytes:
    """One H.264 or H.265 unit with start codes (ITU-T H.264 and H.265, Annex B).

    Before a key unit stand the track's parameter sets, unless the unit has its own. `ProtocolError` when the
    unit's lengths are wrong.
    """
    nals = list(iterate_nals(unit.data))
    if unit.is_key and not any(_is_set(track.codec, nal[0]) for nal in nals):
        nals[:0] = [memoryview(nal) for nal in track.parameter_sets]
    return b"".join(part for nal in nals for part in (_START_CODE, nal))


def annexb_packet(track: TrackConfig, unit: AccessUnit, ticks: int) -> CodedPacket:
    """The same as a packet at `ticks` of a 90 kHz clock; nothing is decoded."""
    packet = Packet(annexb(track, unit))
    packet.pts = packet.dts = ticks
    packet.time_base = _TICK
    packet.is_keyframe = unit.is_key
    return packet


def _is_set(codec: Codec, first: int) -> bool:
    """A parameter set, by the first byte of its header (H.264 §7.3.1, H.265 §7.3.1.2)."""
    return first & 31 in {7, 8} if codec is Codec.H264 else first >> 1 & 63 in {32, 33, 34}
