"""Sizes of coded pictures as the clear sample index of each part tells them: no key is needed."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from civiscope.base import AppError, Span
from civiscope.media import Codec
from civiscope.recording.sample_index import IndexedUnit
from civiscope.recording.segment_reader import StoredPart
from civiscope.recording.size_motion import PartSizes
from civiscope.recording.unit_reader import Placed, indexed

_LEANING = frozenset({Codec.H264, Codec.H265})
"""Codecs whose pictures lean on others."""


def part_sizes(
    segments: Sequence[Placed], span: Span, lock: AbstractContextManager[object]
) -> Iterator[PartSizes]:
    """Of every part that touches the span, in order of recording; without segments that went meanwhile."""
    for view, summary in segments:
        with lock:
            parts = [part for part in view.parts(summary) if part.facts.span.overlaps(span)]
        try:
            with view.segment(summary.path) as reader:
                tracks = {track_id for track_id, codec, _ in reader.header.tracks if codec in _LEANING}
        except AppError:
            continue
        yield from (_sizes(part, tracks) for part in parts)


def _sizes(part: StoredPart, tracks: set[int]) -> PartSizes:
    leaning = [unit.size_bytes for unit in indexed(part.facts) if _leans(unit, tracks)]
    return PartSizes(part.facts.span, sum(leaning) / len(leaning) if leaning else None)


def _leans(unit: IndexedUnit, tracks: set[int]) -> bool:
    return unit.track_id in tracks and not unit.is_key
