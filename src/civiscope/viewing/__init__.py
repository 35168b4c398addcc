"""The only way out for pictures, now or then: framed bytes for those who may see them, for a stated purpose.

Facts in: none yet (the feed of `ingest` brings units). Facts out: none; every look is in the audit.
Invariants: nothing is shown before permission, purpose and audit; a look ends with its permit, session or
time; a slow viewer slows nobody; an old picture is never called live; times within a run do not jitter.
"""

from civiscope.viewing.export_desk import ExportDesk, ExportStatus, FetchedExport
from civiscope.viewing.export_making import ExportFaces, ExportSettings
from civiscope.viewing.look import Look
from civiscope.viewing.model import JPEG_TYPE, LiveStateName, Made, MediaAnswer, SentPicture, WhepAnswer, Wish
from civiscope.viewing.ports import PictureMaker, Pictures, Recordings, SubStreams
from civiscope.viewing.settings import ViewingSettings
from civiscope.viewing.viewing import Viewing, ViewingFaces

__all__ = [
    "ExportDesk", "ExportFaces", "ExportSettings", "ExportStatus", "FetchedExport", "JPEG_TYPE",
    "LiveStateName", "Look", "Made", "MediaAnswer", "PictureMaker", "Pictures", "Recordings", "SentPicture",
    "SubStreams", "Viewing", "ViewingFaces", "ViewingSettings", "WhepAnswer", "Wish",
]  # fmt: skip
