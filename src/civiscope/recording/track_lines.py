"""Track configurations as lines of JSON: what the TRACKS record of a segment holds."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from civiscope.base import ProtocolError
from civiscope.media import Codec, TrackConfig

_MAX_BYTES = 1 << 20


def track_line(track: TrackConfig) -> bytes:
    """One configuration as one line, always the same bytes for the same configuration."""
    fields = {
        "track_id": track.track_id,
        "codec": track.codec.value,
        "clock_rate_hz": track.clock_rate_hz,
        "generation": track.generation,
        "parameter_sets": [base64.b64encode(nal).decode("ascii") for nal in track.parameter_sets],
        "codec_data": base64.b64encode(track.codec_data).decode("ascii"),
        "width_px": track.width_px,
        "height_px": track.height_px,
        "sample_rate_hz": track.sample_rate_hz,
        "channel_count": track.channel_count,
    }
    return json.dumps(fields, separators=(",", ":"), sort_keys=True).encode("ascii")


def write_track_lines(tracks: Sequence[TrackConfig]) -> bytes:
    """All tracks of a segment, a line each."""
    return b"\n".join(track_line(track) for track in tracks)


def read_track_lines(data: bytes) -> tuple[TrackConfig, ...]:
    """What `write_track_lines` wrote; ProtocolError whatever else the bytes are."""
    if len(data) > _MAX_BYTES:
        raise ProtocolError(f"{len(data)} bytes of track configuration: the limit is {_MAX_BYTES}")
    try:
        return tuple(_read_line(json.loads(line)) for line in data.split(b"\n") if line)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ArithmeticError) as error:
        raise ProtocolError(f"track configuration of a segment cannot be read: {error}") from None


def _read_line(fields: dict[str, Any]) -> TrackConfig:
    numbers = TrackConfig(
        track_id=int(fields["track_id"]),
        codec=Codec(fields["codec"]),
        clock_rate_hz=int(fields["clock_rate_hz"]),
        generation=int(fields["generation"]),
        width_px=int(fields["width_px"]),
        height_px=int(fields["height_px"]),
        sample_rate_hz=int(fields["sample_rate_hz"]),
        channel_count=int(fields["channel_count"]),
    )
    if numbers.clock_rate_hz <= 0:
        raise ValueError("a clock rate is above 0")
    return replace(
        numbers,
        parameter_sets=tuple(base64.b64decode(nal, validate=True) for nal in fields["parameter_sets"]),
        codec_data=base64.b64decode(fields["codec_data"], validate=True),
    )
