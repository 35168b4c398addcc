"""The movie box: what stands before the samples (ISO/IEC 14496-12 §8.2 to §8.5)."""

import struct
from collections.abc import Sequence

from civiscope.media.model import TrackConfig, TrackKind
from civiscope.media.mp4.boxes import MOVIE_TIMESCALE_HZ, box, full_box
from civiscope.media.mp4.sample_entry import sample_descriptions

_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SECONDS_1904_TO_1970 = 2_082_844_800
_DATA_REFERENCE = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))


def file_type(brands: Sequence[bytes]) -> bytes:
    """ftyp: the first brand is the major one (ISO/IEC 14496-12 §4.3)."""
    return box(b"ftyp", brands[0], struct.pack(">I", 0x200), *brands)


def creation_time_s(epoch_us: int | None) -> int:
    """Seconds since 1904 in UTC; 0, "unknown", without an epoch."""
    return 0 if epoch_us is None else epoch_us // 1_000_000 + _SECONDS_1904_TO_1970


def movie_header(created_s: int, duration: int, next_track_id: int) -> bytes:
    """mvhd version 1; `duration` in ticks of `MOVIE_TIMESCALE_HZ`."""
    times = struct.pack(">QQIQ", created_s, created_s, MOVIE_TIMESCALE_HZ, duration)
    return full_box(
        b"mvhd", 1, 0, times, struct.pack(">IHxx8x", 0x10000, 0x0100), _MATRIX, bytes(24),
        struct.pack(">I", next_track_id),
    )  # fmt: skip


def track_box(
    track: TrackConfig, created_s: int, movie_duration: int, media_duration: int,
    edits: bytes, tables: bytes,
) -> bytes:  # fmt: skip
    """trak of one track; `edits` is a whole edts box or nothing, `tables` all that stands in stbl."""
    is_video = track.kind is TrackKind.VIDEO
    volume = 0 if is_video else 0x0100
    header = struct.pack(">QQI4xQ8xHHHxx", created_s, created_s, track.track_id, movie_duration, 0, 0, volume)
    size = struct.pack(">II", track.width_px << 16, track.height_px << 16)
    media_times = struct.pack(">QQIQ", created_s, created_s, track.clock_rate_hz, media_duration)
    handler, name = (b"vide", b"video\x00") if is_video else (b"soun", b"sound\x00")
    return box(
        b"trak",
        full_box(b"tkhd", 1, 3, header, _MATRIX, size),
        edits,
        box(
            b"mdia",
            full_box(b"mdhd", 1, 0, media_times, struct.pack(">Hxx", 0x55C4)),
            full_box(b"hdlr", 0, 0, struct.pack(">4x4s12x", handler), name),
            box(
                b"minf",
                full_box(b"vmhd", 0, 1, bytes(8)) if is_video else full_box(b"smhd", 0, 0, bytes(4)),
                _DATA_REFERENCE,
                box(b"stbl", tables),
            ),
        ),
    )


_EMPTY_TABLES = (
    full_box(b"stts", 0, 0, bytes(4))
    + full_box(b"stsc", 0, 0, bytes(4))
    + full_box(b"stsz", 0, 0, bytes(8))
    + full_box(b"stco", 0, 0, bytes(4))
)


def init_segment(
    tracks: Sequence[TrackConfig], epoch_us: int | None = None, *, for_browser: bool = False
) -> bytes:
    """ftyp and moov of a fragmented MP4: what goes before the first `fragment` (ISO/IEC 14496-12 §8.8.1).

    `epoch_us` is the UTC of media time 0 and is written, in whole seconds, as the creation time.
    `for_browser` declares G.711 as FLAC, which Media Source plays: such a track's samples must go through
    `flac_frame`. Raises `ProtocolError` when a track lacks what its codec needs.
    """
    created_s = creation_time_s(epoch_us)
    boxes = [
        track_box(track, created_s, 0, 0, b"", sample_descriptions((track,), for_browser) + _EMPTY_TABLES)
        for track in tracks
    ]
    extends = [full_box(b"trex", 0, 0, struct.pack(">IIIII", track.track_id, 1, 0, 0, 0)) for track in tracks]
    next_id = max((track.track_id for track in tracks), default=0) + 1
    return file_type((b"iso6", b"iso6", b"mp41")) + box(
        b"moov", movie_header(created_s, 0, next_id), *boxes, box(b"mvex", *extends)
    )
