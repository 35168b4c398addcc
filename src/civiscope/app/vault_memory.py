"""The open key of the vault in the supervisor's memory, for a restart of the server alone: never on a disk.

The supervisor makes an anonymous file of fixed size (memfd_create(2)), keeps its page out of swap, and lets
only the server inherit it. It is gone with the supervisor.
"""

import ctypes
import fcntl
import hashlib
import mmap
import os
from collections.abc import Mapping

from civiscope.base import get_log

MEMORY_FD = "CIVISCOPE_VAULT_FD"
_MAGIC = b"CVKM\1"
_KEY_BYTES = 32
_SIZE = mmap.PAGESIZE
_log = get_log("civiscope.app")


class FdMemory:
    """A `KeyMemory` on the inherited file; one process writes it at a time."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self) -> bytes | None:
        """The kept key; None if there is none, or a process was killed while it wrote."""
        kept = os.pread(self._descriptor, len(_MAGIC) + _KEY_BYTES + 32, 0)
        key, digest = kept[len(_MAGIC) : len(_MAGIC) + _KEY_BYTES], kept[len(_MAGIC) + _KEY_BYTES :]
        is_whole = kept.startswith(_MAGIC) and digest == hashlib.sha256(key).digest()
        return key if is_whole else None

    def keep(self, key: bytes) -> None:
        """Keep it until `forget` or the supervisor's end."""
        os.pwrite(self._descriptor, _MAGIC + key + hashlib.sha256(key).digest(), 0)

    def forget(self) -> None:
        """Overwrite it."""
        os.pwrite(self._descriptor, bytes(_SIZE), 0)


class SupervisorMemory:
    """The supervisor's end of it; hold on to the object as long as the memory shall live."""

    def __init__(self) -> None:
        self.descriptor: int | None = None
        self._page: mmap.mmap | None = None
        try:
            self.descriptor = _new_file()
            self._page = mmap.mmap(self.descriptor, _SIZE)
        except (OSError, AttributeError) as error:
            _log.warning(
                "no memory for the vault's key: each start of the server asks for it", why=str(error)
            )
            return
        if not _pin(self._page):
            _log.warning("the page with the vault's key may be swapped: turn swap off, or encrypt it")

    @property
    def environment(self) -> Mapping[str, str]:
        """For the server: which descriptor it is."""
        return {} if self.descriptor is None else {MEMORY_FD: str(self.descriptor)}

    @property
    def descriptors(self) -> tuple[int, ...]:
        """For the server to inherit."""
        return () if self.descriptor is None else (self.descriptor,)


def inherited_memory(environ: Mapping[str, str] = os.environ) -> FdMemory | None:
    """What the supervisor handed to this process; None where nobody did."""
    number = environ.get(MEMORY_FD, "")
    if not number.isdecimal():
        return None
    try:
        descriptor = int(number)
        if os.fstat(descriptor).st_size != _SIZE:
            return None
        os.set_inheritable(descriptor, False)  # children of the server have no business with it
    except (OSError, OverflowError):
        return None
    return FdMemory(descriptor)


def _new_file() -> int:
    descriptor = os.memfd_create("civiscope-vault", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, _SIZE)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return descriptor


def _pin(page: mmap.mmap) -> bool:
    """Keep the page out of swap (mlock(2)); the kernel allows 64 KiB of it to everybody."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return bool(ctypes.CDLL(None).mlock(ctypes.c_void_p(address), ctypes.c_size_t(_SIZE)) == 0)
