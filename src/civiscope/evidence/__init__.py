"""Bookmarks, holds, packages: named moments, spans that no retention deletes, what leaves and proves itself.

Facts in: none (commanded by people and rules). Facts out: none.
Invariants: a held span is deleted by nobody before its end; who held it, why and until when is on record; a
bookmark protects nothing.
"""

from civiscope.evidence.evidence import Evidence
from civiscope.evidence.manifest import (
    ExportedChannel,
    ExportMaker,
    FileRole,
    Manifest,
    PackageFile,
)
from civiscope.evidence.model import (
    Bookmark,
    BookmarkId,
    Hold,
    HoldDraft,
    HoldId,
    missing_bookmark,
    missing_hold,
)
from civiscope.evidence.tables import migrate_evidence

__all__ = [
    "ExportMaker", "ExportedChannel", "FileRole", "Manifest", "PackageFile",
    "Bookmark", "BookmarkId", "Evidence", "Hold", "HoldDraft", "HoldId", "migrate_evidence",
    "missing_bookmark", "missing_hold",
]  # fmt: skip
