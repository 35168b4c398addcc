"""Files that hold keys: 0600 in 0700 folders, whole or not there, refused when anybody else can read them."""

import os
import stat
from pathlib import Path

from civiscope.base import AppError, ErrorKind
from civiscope.security.secret import Secret

KEY_FILE_LIMIT_BYTES = 64 * 1024
"""No key or certificate of ours is larger; a larger file is not one of ours."""


def make_private_folder(folder: Path) -> None:
    """Make `folder` and what is missing above it, with mode 0700 whatever the umask says."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=0o700)
        missing.chmod(0o700)


def write_private(path: Path, data: bytes) -> None:
    """Write `path` whole with mode 0600, on disk when this returns; replaces what was there in one step."""
    draft = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_private(path: Path) -> bytes:
    """Read a key file of ours; AppError(MISSING) if it is not there, AppError(DENIED) if it is not private.

    Private means: a plain file (no link), owned by who we run as, no right for group or others on the file or
    on its folder.
    """
    _check_private(path.parent, os.stat(path.parent) if path.parent.exists() else None, "700")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise AppError(
            ErrorKind.MISSING,
            f"cannot open the key file {path} ({error.strerror}): start with the folder that "
            "`civiscope init` made, or restore it from a backup",
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        _check_private(path, os.fstat(file.fileno()), "600")
        data = file.read(KEY_FILE_LIMIT_BYTES + 1)
    if len(data) > KEY_FILE_LIMIT_BYTES:
        raise AppError(
            ErrorKind.INVALID, f"the key file {path} is too large to be one; restore it from a backup"
        )
    return data


def read_word(path: Path) -> Secret:
    """The first line of a file that only its owner can read, wherever it lies: a passphrase or PIN."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise AppError(
            ErrorKind.MISSING, f"cannot open {path} ({error.strerror}): look at [vault] in civiscope.toml"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        _check_private(path, os.fstat(file.fileno()), "600")
        line = file.read(KEY_FILE_LIMIT_BYTES).split(b"\n")[0].rstrip(b"\r")
    if not line:
        raise AppError(ErrorKind.INVALID, f"{path} is empty: write the passphrase into its first line")
    return Secret(line.decode("utf-8", "replace"))


def _check_private(path: Path, status: os.stat_result | None, mode: str) -> None:
    if status is None:
        raise AppError(ErrorKind.MISSING, f"there is no key folder {path}: run `civiscope init` first")
    if mode == "600" and not stat.S_ISREG(status.st_mode):
        raise AppError(ErrorKind.DENIED, f"the key file {path} is not a plain file; put the real one there")
    if status.st_uid != os.geteuid():
        raise AppError(
            ErrorKind.DENIED,
            f"{path} belongs to user {status.st_uid}, but we run as user {os.geteuid()}: "
            "keys are read only by their owner. Run as that user, or change the owner",
        )
    if status.st_mode & 0o077:
        raise AppError(
            ErrorKind.DENIED,
            f"{path} can be read or changed by other users (mode {stat.S_IMODE(status.st_mode):o}). "
            f"Run `chmod {mode} {path}`, and think about who may have read it",
        )
