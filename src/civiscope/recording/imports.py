"""How far imports are recorded, as the volume itself tells it: nothing else is kept about them."""

from collections.abc import Sequence

from civiscope.base import StreamId
from civiscope.ingest import ImportMark, LossReason
from civiscope.recording.volume import Volume


def import_marks(volumes: Sequence[Volume]) -> dict[StreamId, ImportMark]:
    """Of every stream of the volumes; means something for imports only: they number units over all runs.

    Call it before a recorder has the volumes.
    """
    marks: dict[StreamId, ImportMark] = {}
    for stream_id, stream in (one for volume in volumes for one in volume.catalogue.streams.items()):
        last = [extent.last_sequence for one in stream.closed.values() for extent in one.extents]
        is_finished = stream.open_gap is not None and stream.open_gap.reason == LossReason.FINISHED
        known = marks.get(stream_id, ImportMark())
        next_unit = max(known.next_unit, max(last, default=-1) + 1)
        marks[stream_id] = ImportMark(next_unit, is_finished or known.is_finished)
    return marks
