"""`civiscope catalogue rebuild`: the volume's index made again from the segments themselves."""

from civiscope.app.home import Home
from civiscope.app.settings import Settings
from civiscope.app.volumes import volume_folders
from civiscope.base import AppError, ErrorKind, SystemClock
from civiscope.cluster import read_snapshot
from civiscope.recording import rebuild_catalogue


def rebuild_catalogue_of(home: Home, settings: Settings) -> list[str]:
    """One line per volume, for a person. CONFLICT while the product runs: the index has one writer."""
    folders = volume_folders(home, settings)
    for folder in folders:
        if not folder.is_dir():
            raise AppError(ErrorKind.MISSING, f"there is no volume in {folder} yet: nothing was recorded.")
    snapshot = read_snapshot(home.run)
    if snapshot is not None and snapshot.is_supervised:
        raise AppError(
            ErrorKind.CONFLICT, "the recorder writes this volume now. Stop `civiscope up`, then rebuild."
        )
    return [
        f"{one.path}: {one.segment_count} segments of {one.stream_count} streams, {one.gaps_kept} gaps kept"
        for one in rebuild_catalogue(folders, SystemClock())
    ]
