"""How far imports are recorded, as the volume itself tells it: nothing else is kept about them."""

from civiscope.base import StreamId
from civiscope.ingest import ImportMark, LossReason
from civiscope.recording.volume import Volume


def import_marks(volume: Volume) -> dict[StreamId, ImportMark]:
    """Of every stream of the volume; means something for imports only: they number units over all runs.

    Call it before a recorder has the volume.
    """
    marks: dict[StreamId, ImportMark] = {}
    for stream_id, stream in volume.catalogue.streams.items():
        last = [extent.last_sequence for one in stream.closed.values() for extent in one.extents]
        is_finished = stream.open_gap is not None and stream.open_gap.reason == LossReason.FINISHED
        marks[stream_id] = ImportMark(max(last, default=-1) + 1, is_finished)
    return marks
