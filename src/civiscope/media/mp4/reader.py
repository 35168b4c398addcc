"""Reading back what we wrote: init segments and fragments, for tests and for mending."""

import struct
from dataclasses import dataclass

from civiscope.base import ProtocolError
from civiscope.media.model import TrackConfig
from civiscope.media.mp4.boxes import MAX_TABLE_ENTRIES, BoxView, required, walk
from civiscope.media.mp4.fragment import Sample
from civiscope.media.mp4.sample_entry import read_sample_entry

_MAX_TRACKS = 64
_SYNC_MASK = 0x00010000


@dataclass(frozen=True, slots=True)
class Fragment:
    """One moof+mdat as read."""

    sequence: int
    samples: tuple[Sample, ...]
    """In the order of their bytes; `data` are views into the bytes that were read."""


def parse_init(data: bytes | memoryview) -> tuple[TrackConfig, ...]:
    """The tracks of an init segment, in order; `ProtocolError` on anything else."""
    top = {found.kind: found for found in walk(memoryview(data))}
    moov = required(top, b"moov", "the init segment")
    traks = [found for found in walk(moov.data) if found.kind == b"trak"]
    if len(traks) > _MAX_TRACKS:
        raise ProtocolError(f"an MP4 with {len(traks)} tracks is refused; the limit is {_MAX_TRACKS}")
    return tuple(_parse_track(trak) for trak in traks)


def _parse_track(trak: BoxView) -> TrackConfig:
    inside = trak.children()
    tkhd = required(inside, b"tkhd", "trak")
    (version,) = tkhd.unpack("B")
    (track_id,) = tkhd.unpack("I", 20 if version == 1 else 12)
    media = required(inside, b"mdia", "trak").children()
    mdhd = required(media, b"mdhd", "mdia")
    (version,) = mdhd.unpack("B")
    (clock_rate_hz,) = mdhd.unpack("I", 20 if version == 1 else 12)
    table = required(required(media, b"minf", "mdia").children(), b"stbl", "minf").children()
    stsd = required(table, b"stsd", "stbl")
    entry = next(walk(stsd.data[8:]), None)
    if entry is None:
        raise ProtocolError(f"track {track_id} of the MP4 has no sample entry")
    return read_sample_entry(entry, track_id, clock_rate_hz)


def parse_fragment(data: bytes | memoryview) -> Fragment:
    """One moof and its mdat, as `fragment` writes them; `ProtocolError` on anything else."""
    boxes = list(walk(memoryview(data)))
    if [found.kind for found in boxes] != [b"moof", b"mdat"]:
        raise ProtocolError("a fragment is one moof and one mdat, nothing else")
    moof = boxes[0]
    (sequence,) = required(moof.children(), b"mfhd", "moof").unpack("I", 4)
    samples: list[Sample] = []
    for traf in walk(moof.data):
        if traf.kind == b"traf":
            samples += _parse_run(traf, memoryview(data), boxes[1].start + 8)
    return Fragment(sequence, tuple(samples))


def _parse_run(traf: BoxView, data: memoryview, first_byte: int) -> list[Sample]:
    inside = traf.children()
    _, track_id = required(inside, b"tfhd", "traf").unpack("II")
    version, decode_time = required(inside, b"tfdt", "traf").unpack("IQ")
    trun = required(inside, b"trun", "traf")
    flags, count, offset = trun.unpack("IIi")
    if flags != 0x01000F01 or version != 0x01000000:
        raise ProtocolError("this fragment was not written by this program: other fields in trun or tfdt")
    if count > MAX_TABLE_ENTRIES or len(trun.data) != 12 + 16 * count:
        raise ProtocolError(f"trun says {count} samples in {len(trun.data)} bytes")
    samples: list[Sample] = []
    for duration, size, bits, composition in struct.iter_unpack(">IIIi", trun.data[12:]):
        if offset < first_byte or offset + size > len(data):
            raise ProtocolError("a sample lies outside its fragment's mdat")
        is_key = not bits & _SYNC_MASK
        unit = data[offset : offset + size]
        samples.append(Sample(track_id, decode_time, composition, duration, is_key, unit))
        decode_time += duration
        offset += size
    return samples
