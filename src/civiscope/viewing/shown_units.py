"""Which units lead to the picture that is shown at a moment, and that picture, made by the worker."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from civiscope.base import AppError, ErrorKind, new_id
from civiscope.media import ShownPicture, TrackConfig, TrackKind
from civiscope.recording import RecordedUnit
from civiscope.viewing.h264_playback import batches
from civiscope.viewing.ports import StillMaker

_LIMIT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ShownUnits:
    """Units of one track from a key unit on, and the one whose picture is wanted."""

    track: TrackConfig
    units: tuple[RecordedUnit, ...]
    wanted: RecordedUnit


def shown_units(recorded: Iterable[RecordedUnit], at_us: int, cancelled: Callable[[], bool]) -> ShownUnits:
    """The last picture that shows at or before the moment; MISSING if none does.

    `recorded` goes on a little behind the moment, for pictures that need later ones.
    """
    found: list[RecordedUnit] = []
    size_bytes = 0
    for one in recorded:
        track = next((t for t in one.tracks if t.track_id == one.unit.track_id), None)
        if track is None or track.kind is not TrackKind.VIDEO:
            continue
        if found and (one.run_id != found[0].run_id or one.tracks is not found[0].tracks):
            if one.wall_us > at_us:
                break
            found, size_bytes = [], 0
        if one.unit.is_key and one.wall_us <= at_us:
            found, size_bytes = [], 0
        size_bytes += len(one.unit.data)
        if cancelled() or size_bytes > _LIMIT_BYTES:
            break
        found.append(one)
    wanted = max((one for one in found if one.wall_us <= at_us), key=lambda one: one.wall_us, default=None)
    if wanted is None:
        raise AppError(ErrorKind.MISSING, "No picture is recorded at this moment.")
    track = next(t for t in wanted.tracks if t.track_id == wanted.unit.track_id)
    return ShownUnits(track, tuple(found), wanted)


async def made_picture(shown: ShownUnits, maker: StillMaker) -> ShownPicture:
    """The picture; INVALID, UNAVAILABLE or TIMEOUT when the worker does not make it."""
    job, parts = new_id(), list(batches(shown.units))
    made: ShownPicture | None = None
    for number, batch in enumerate(parts, 1):
        units = tuple(one.unit for one in batch)
        made = await maker.shown(job, shown.track, units, shown.wanted.unit.pts, number == len(parts))
    if made is None:
        raise AppError(ErrorKind.UNAVAILABLE, "The worker gave no picture. Try again.")
    return made
