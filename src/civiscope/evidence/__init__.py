"""Bookmarks, holds and their cases, packages: named moments, kept spans, what leaves and proves itself.

Facts in: none (commanded by people and rules). Facts out: none.
Invariants: a held span is deleted by nobody before its end; who held it, why and until when is on record; a
bookmark protects nothing; a hold is of a case, whose key opens what it holds after the site's wraps are gone.
"""

from civiscope.evidence.cases import Case, CaseDraft, Cases, missing_case
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
    "Bookmark", "BookmarkId", "Case", "CaseDraft", "Cases", "Evidence", "Hold", "HoldDraft", "HoldId",
    "migrate_evidence", "missing_bookmark", "missing_case", "missing_hold",
]  # fmt: skip
