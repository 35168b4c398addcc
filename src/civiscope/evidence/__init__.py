"""Bookmarks and holds: named moments, and spans that no retention deletes.

Facts in: none (commanded by people and rules). Facts out: none.
Invariants: a held span is deleted by nobody before its end; who held it, why and until when is on record; a
bookmark protects nothing.
"""

from civiscope.evidence.evidence import Evidence
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
    "Bookmark", "BookmarkId", "Evidence", "Hold", "HoldDraft", "HoldId", "migrate_evidence",
    "missing_bookmark", "missing_hold",
]  # fmt: skip
