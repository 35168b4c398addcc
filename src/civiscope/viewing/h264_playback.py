"""Recorded H.265 for a screen that cannot play it: read here, made H.264 in the worker, built here."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from civiscope.base import RunId, new_id
from civiscope.media import AccessUnit, Codec, TrackConfig, TrackKind
from civiscope.recording import RecordedUnit
from civiscope.viewing.ports import PictureMaker

_BATCH_UNITS = 50
_BATCH_BYTES = 2 << 20
"""Of one call of the worker; a single unit is never split."""


@dataclass(frozen=True, slots=True)
class ReadUnits:
    """Units of one run and one configuration, in order, and the H.265 track among theirs, if there is one."""

    units: Sequence[RecordedUnit]
    h265: TrackConfig | None


def read_units(
    units: Iterable[RecordedUnit], end_us: int, limit_bytes: int, cancelled: Callable[[], bool]
) -> ReadUnits:
    """What one answer can be made of: up to `end_us`, the end of its run or configuration, or the limit."""
    found: list[RecordedUnit] = []
    size_bytes = 0
    for recorded in units:
        size_bytes += len(recorded.unit.data)
        is_other = bool(found) and (
            recorded.run_id != found[0].run_id or recorded.tracks is not found[0].tracks
        )
        if cancelled() or is_other or size_bytes > limit_bytes or recorded.wall_us >= end_us:
            break
        found.append(recorded)
    tracks = found[0].tracks if found else ()
    h265 = next((t for t in tracks if t.kind is TrackKind.VIDEO and t.codec is Codec.H265), None)
    return ReadUnits(found, h265)


async def transcoded_units(read: ReadUnits, maker: PictureMaker) -> list[RecordedUnit]:
    """The same stretch with H.264 pictures, at the same times; sound stays between them as it was.

    UNAVAILABLE or TIMEOUT when the worker does not make them.
    """
    h265 = read.h265
    assert h265 is not None, "only H.265 is made anew"
    job, made = new_id(), list[RecordedUnit]()
    walls = {one.unit.pts: one.wall_us for one in read.units if one.unit.track_id == h265.track_id}
    tracks: tuple[TrackConfig, ...] | None = None
    parts = list(batches(read.units))
    for number, batch in enumerate(parts, 1):
        pictures = tuple(one.unit for one in batch if one.unit.track_id == h265.track_id)
        answer = await maker.transcode(job, h265, pictures, number == len(parts))
        if tracks is None and answer.track is not None:
            tracks = _with(read.units[0].tracks, answer.track)
        if tracks is not None:
            run_id = batch[0].run_id
            made += _merged(answer.units, batch, walls, (run_id, tracks))
    return made


def batches(units: Sequence[RecordedUnit]) -> Iterator[list[RecordedUnit]]:
    """As many at once as one call of the worker takes."""
    batch: list[RecordedUnit] = []
    size_bytes = 0
    for one in units:
        size_bytes += len(one.unit.data)
        if batch and (size_bytes > _BATCH_BYTES or len(batch) >= _BATCH_UNITS):
            yield batch
            batch, size_bytes = [], len(one.unit.data)
        batch.append(one)
    if batch:
        yield batch


def _merged(
    pictures: Iterable[AccessUnit],
    batch: Iterable[RecordedUnit],
    walls: dict[int, int],
    shown: tuple[RunId, tuple[TrackConfig, ...]],
) -> list[RecordedUnit]:
    """Made pictures and the batch's sound, by wall time."""
    run_id, tracks = shown
    picture_id = tracks[0].track_id
    made = [RecordedUnit(unit, walls[unit.pts], run_id, tracks) for unit in pictures if unit.pts in walls]
    sound = [replace(one, tracks=tracks) for one in batch if one.unit.track_id != picture_id]
    return sorted([*made, *sound], key=lambda one: one.wall_us)


def _with(tracks: tuple[TrackConfig, ...], pictures: TrackConfig) -> tuple[TrackConfig, ...]:
    others = [track for track in tracks if track.track_id != pictures.track_id]
    return (pictures, *others)
