"""One supervisor per data folder: a lock that the kernel drops when its holder dies (flock(2))."""

import fcntl
import os
from pathlib import Path

from civiscope.base import AppError, ErrorKind
from civiscope.cluster.identity import identity_of, read_identity


class Holder:
    """The lock `supervisor.lock`; it holds the identity of the process that has it."""

    def __init__(self, run_folder: Path) -> None:
        self._path = run_folder / "supervisor.lock"
        self._handle: int | None = None

    def take(self) -> None:
        """Take it; `CONFLICT` names the process that has it, `UNAVAILABLE` says what the disk refuses."""
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"The run folder {self._path.parent} cannot be written ({error.strerror}): "
                "check its owner and its disk.",
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise self._held() from None
        self._handle = handle
        identity = identity_of(os.getpid())
        assert identity is not None
        os.ftruncate(handle, 0)
        os.pwrite(handle, identity.to_json().encode(), 0)

    def release(self) -> None:
        """Let go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _held(self) -> AppError:
        holder = read_identity(self._path)
        who = f"process {holder.pid}" if holder and holder.is_alive else "another process"
        return AppError(
            ErrorKind.CONFLICT,
            f"Civiscope is running already on this data folder ({who} holds {self._path}): "
            "stop it first, or choose another folder with CIVISCOPE_HOME.",
        )
