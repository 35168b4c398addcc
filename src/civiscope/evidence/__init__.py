"""Bookmarks, holds and their cases, packages: named moments, kept spans, what leaves and proves itself.

Facts in: none (commanded by people and rules). Facts out: none.
Invariants: a held span is deleted by nobody before its end; who held it, why and until when is on record; a
bookmark protects nothing; a hold is of a case, whose key opens what it holds after the site's wraps are gone.
"""

from civiscope.evidence.case_package import (
    ClosedPackage,
    MemoryFile,
    PackageSite,
    close_package,
    custody_json,
)
from civiscope.evidence.cases import Case, CaseDraft, Cases, missing_case
from civiscope.evidence.evidence import Evidence
from civiscope.evidence.export_book import ExportBook
from civiscope.evidence.export_model import (
    ExportId,
    ExportJob,
    ExportKind,
    ExportOrder,
    ExportState,
    missing_export,
)
from civiscope.evidence.manifest import (
    MANIFEST_PATH,
    TIME_STAMP_PATH,
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
from civiscope.evidence.package_folder import MadeFile, PackageFileWriter, PackageFolder
from civiscope.evidence.tables import migrate_evidence
from civiscope.evidence.verifier import VERIFIER_NAME, verifier_hash, verifier_page
from civiscope.evidence.verify_package import (
    ChannelVerdict,
    FolderPackage,
    PackageFinding,
    PackageSource,
    PackageVerdict,
    ZipPackage,
    open_package,
    verify_package,
)
from civiscope.evidence.zip_stream import ZipEntry, zip_pieces, zip_size

__all__ = [
    "MANIFEST_PATH", "TIME_STAMP_PATH", "VERIFIER_NAME", "verifier_hash", "verifier_page",
    "ChannelVerdict", "FolderPackage", "PackageFinding", "PackageSource", "PackageVerdict", "ZipPackage",
    "open_package", "verify_package",
    "ClosedPackage", "ExportBook", "ExportId", "ExportJob", "ExportKind", "ExportOrder", "ExportState",
    "MadeFile", "MemoryFile", "PackageFileWriter", "PackageFolder", "PackageSite", "ZipEntry",
    "close_package", "custody_json", "missing_export", "zip_pieces", "zip_size",
    "ExportMaker", "ExportedChannel", "FileRole", "Manifest", "PackageFile",
    "Bookmark", "BookmarkId", "Case", "CaseDraft", "Cases", "Evidence", "Hold", "HoldDraft", "HoldId",
    "migrate_evidence", "missing_bookmark", "missing_case", "missing_hold",
]  # fmt: skip
