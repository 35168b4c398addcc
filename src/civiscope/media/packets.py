"""Access units as packets for who sends them on: start codes instead of lengths, nothing decoded."""

from fractions import Fraction
from typing import TypeAlias

from av.packet import Packet
from av.video.stream import VideoStream

from civiscope.media.model import AccessUnit, TrackConfig
from civiscope.media.wire.nal import iterate_nals

CodedPacket: TypeAlias = "Packet[VideoStream]"
"""libav's packet, for rooms that hand one on and know nothing else of libav."""
_START_CODE = b"\0\0\0\1"
_TICK = Fraction(1, 90_000)
_H264_SETS = frozenset({7, 8})


def annexb_packet(track: TrackConfig, unit: AccessUnit, ticks: int) -> CodedPacket:
    """One H.264 unit with start codes (ITU-T H.264 Annex B), at `ticks` of a 90 kHz clock.

    Before a key unit stand the track's parameter sets, unless the unit has its own. `ProtocolError` when the
    unit's lengths are wrong.
    """
    nals = list(iterate_nals(unit.data))
    has_sets = any(nal[0] & 31 in _H264_SETS for nal in nals)
    if unit.is_key and not has_sets:
        nals[:0] = [memoryview(nal) for nal in track.parameter_sets]
    packet = Packet(b"".join(part for nal in nals for part in (_START_CODE, nal)))
    packet.pts = packet.dts = ticks
    packet.time_base = _TICK
    packet.is_keyframe = unit.is_key
    return packet
