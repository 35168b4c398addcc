"""A media file cut into RTP packets once: sending a unit is only stamping numbers into ready bytes."""

import base64
from dataclasses import dataclass, replace
from pathlib import Path
from struct import Struct

from civiscope.media import AccessUnit, Codec, FileUnits, TrackConfig, TrackKind
from civiscope.media.wire import MediaDescription, join_nals, packetizer_for

_PAYLOAD_TYPES = {
    Codec.H264: 96, Codec.H265: 98, Codec.MJPEG: 26,
    Codec.AAC: 97, Codec.PCMU: 0, Codec.PCMA: 8, Codec.OPUS: 111,
}  # fmt: skip
_ENCODINGS = {
    Codec.H264: "H264", Codec.H265: "H265", Codec.MJPEG: "JPEG", Codec.AAC: "MPEG4-GENERIC",
    Codec.PCMU: "PCMU", Codec.PCMA: "PCMA", Codec.OPUS: "OPUS",
}  # fmt: skip
_NUMBERS = Struct(">HII")
"""Sequence, timestamp and source, from the third byte of an RTP header on (RFC 3550 §5.1)."""


@dataclass(frozen=True, slots=True)
class ReadyUnit:
    """One access unit as interleaved frames back to back, on channel 2 × track.

    `frames` is stamped in place before each sending and may be shared by cameras of one thread.
    """

    track: int
    """Index from 0, as in the session description."""
    due_us: int
    """When it is sent, from the start of the footage."""
    pts: int
    is_key: bool
    frames: bytearray
    packets: tuple[tuple[int, int], ...]
    """Where each RTP packet starts and ends within `frames`."""
    octet_count: int
    """Payload bytes, as sender reports count them."""

    def stamp(self, sequence: int, timestamp: int, ssrc: int) -> int:
        """Write these numbers into all packets; the sequence number after them."""
        frames, write = self.frames, _NUMBERS.pack_into
        for start, _ in self.packets:
            write(frames, start + 2, sequence, timestamp, ssrc)
            sequence = (sequence + 1) & 0xFFFF
        return sequence


class Footage:
    """One file, ready to be sent over and over. Making one cuts the whole file: not in an event loop.

    `in_band` writes the parameter sets into every key unit, as most cameras do; without it units go as the
    file has them.
    """

    def __init__(self, source: FileUnits, *, in_band: bool = False) -> None:
        self.tracks = source.tracks
        self.duration_us = source.duration_us
        self.name = source.path.stem
        self.descriptions = tuple(describe_track(track) for track in self.tracks)
        self.units = tuple(_ready_units(source, in_band))
        self.due_us = [unit.due_us for unit in self.units]
        lead = [
            (unit.pts - unit.dts) * 1_000_000 // rate
            for unit in source.units
            if (rate := self.tracks[unit.track_id - 1].clock_rate_hz)
        ]
        self.capture_offset_us = max(lead) + _start_us(source)
        """Media time of what the lens sees, minus the time sent: no picture is sent before it was seen."""

    @classmethod
    def load(cls, path: Path, *, in_band: bool = False, audio: bool = True) -> "Footage":
        """Read a file; raises AppError in plain words."""
        return cls(FileUnits(path, audio=audio), in_band=in_band)


def _ready_units(source: FileUnits, in_band: bool) -> list[ReadyUnit]:
    start_us = _start_us(source)
    packetizers = {
        track.track_id: packetizer_for(track, _PAYLOAD_TYPES[track.codec], 0) for track in source.tracks
    }
    ready = []
    for unit in source.units:
        due_us = unit.arrival_us - start_us
        if not 0 <= due_us < source.duration_us:
            continue  # sound before the first or after the last picture would overlap another round
        track = source.tracks[unit.track_id - 1]
        data = _with_parameter_sets(track, unit) if in_band else unit.data
        packets = packetizers[unit.track_id].packets(data, 0)
        ready.append(_ready(replace(unit, data=b""), due_us, packets))
    return ready


def _start_us(source: FileUnits) -> int:
    """When the first unit of the first track is due."""
    return source.units_of(source.tracks[0].track_id)[0].arrival_us


def _with_parameter_sets(track: TrackConfig, unit: AccessUnit) -> bytes:
    return join_nals(track.parameter_sets) + unit.data if unit.is_key and track.parameter_sets else unit.data


def _ready(unit: AccessUnit, due_us: int, packets: list[bytes]) -> ReadyUnit:
    frames, places = bytearray(), []
    channel = 2 * (unit.track_id - 1)
    for packet in packets:
        frames += b"$%c%c%c" % (channel, len(packet) >> 8, len(packet) & 255)
        places.append((len(frames), len(frames) + len(packet)))
        frames += packet
    octets = sum(len(packet) - 12 for packet in packets)
    return ReadyUnit(unit.track_id - 1, due_us, unit.pts, unit.is_key, frames, tuple(places), octets)


def describe_track(track: TrackConfig) -> MediaDescription:
    """The `m=` section of a track (RFC 6184 §8.2, RFC 7798 §7.2, RFC 3640 §4.4, RFC 2435, RFC 7587 §7)."""
    return MediaDescription(
        media="video" if track.kind is TrackKind.VIDEO else "audio",
        payload_type=_PAYLOAD_TYPES[track.codec],
        encoding=_ENCODINGS[track.codec],
        clock_rate_hz=track.clock_rate_hz,
        channel_count=2 if track.codec is Codec.OPUS else track.channel_count,
        fmtp=_format_parameters(track),
        control=f"trackID={track.track_id - 1}",
    )


def _format_parameters(track: TrackConfig) -> tuple[tuple[str, str], ...]:
    sets = [base64.b64encode(nal).decode("ascii") for nal in track.parameter_sets]
    if track.codec is Codec.H264 and sets:
        profile = next((nal[1:4].hex().upper() for nal in track.parameter_sets if nal[0] & 31 == 7), "42001E")
        named = (("packetization-mode", "1"), ("profile-level-id", profile))
        return (*named, ("sprop-parameter-sets", ",".join(sets)))
    if track.codec is Codec.H265 and sets:
        names = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
        kinds = [names[nal[0] >> 1 & 63] for nal in track.parameter_sets]
        joined = {kind: ",".join(s for k, s in zip(kinds, sets, strict=True) if k == kind) for kind in kinds}
        return tuple(joined.items())
    if track.codec is Codec.AAC:
        fixed = {"streamtype": "5", "profile-level-id": "1", "mode": "AAC-hbr"}
        sizes = {"sizelength": "13", "indexlength": "3", "indexdeltalength": "3"}
        return tuple({**fixed, **sizes, "config": track.codec_data.hex().upper()}.items())
    return ()
