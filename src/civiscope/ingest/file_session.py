"""Media files of this machine as a live camera: `file:///path` of a file, or of a folder, round and round.

The files are read by libav in its own process, never here; only below the folders that the settings allow.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from civiscope.devices import Trouble, import_start_us
from civiscope.ingest.foreign import GuestSession
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason, StreamSource
from civiscope.ingest.run import Run
from civiscope.ingest.settings import IntakeSettings


class FileSession(GuestSession):
    """See `life.Session`."""

    def __init__(self, source: StreamSource, settings: IntakeSettings, run: Run) -> None:
        super().__init__(settings, run)
        self._source = source
        self._folders = settings.import_folders

    def orders(self) -> bytes | None:
        """Which files, with links followed; `Lost` for what is not allowed or not there."""
        path = allowed_path(self._source.url, self._folders)
        return json.dumps({"file": str(path), "audio": self._source.audio}).encode() + b"\n"


def allowed_path(url: str, folders: Sequence[Path]) -> Path:
    """The file or folder of a file:// address, links followed; `Lost` unless it lies below `folders`."""
    parts = urlsplit(url)
    is_odd = bool(parts.query) and import_start_us(url) is None
    if parts.netloc or is_odd or parts.fragment or not parts.path.startswith("/"):
        raise Lost(
            LossReason.UNREACHABLE,
            "A file's address has three slashes and a whole path, like file:///srv/clips/gate.mp4.",
            trouble=Trouble.ADDRESS,
        )
    try:
        path = Path(unquote(parts.path)).resolve()
        allowed = any(path.is_relative_to(folder.resolve()) for folder in folders)
        is_there = allowed and path.exists()
    except (OSError, ValueError, RuntimeError) as error:  # too many links; a null byte
        raise Lost(
            LossReason.UNREACHABLE, "The file's path cannot be followed.", trouble=Trouble.ADDRESS
        ) from error
    if not allowed:
        raise Lost(
            LossReason.GATE,
            "The file does not lie below a folder whose files may be cameras.",
            "Name its folder in `import_folders` under [devices] of civiscope.toml.",
        )
    if not is_there:
        raise Lost(
            LossReason.REFUSED,
            "There is no such file or folder.",
            "Check its name, and that the disk is there.",
            trouble=Trouble.STREAM,
        )
    return path
