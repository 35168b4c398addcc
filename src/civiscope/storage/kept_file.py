"""One small file of a process, replaced as a whole: a cut leaves the old bytes or the new ones."""

import os
from pathlib import Path


def keep_file(path: Path, data: bytes) -> None:
    """Replace the file, readable by its owner alone, and bring it to the disk; OSError. Blocks."""
    unfinished = path.with_suffix(".new")
    with open(unfinished, "wb", opener=_private) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
