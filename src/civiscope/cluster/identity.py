"""A process that cannot be mistaken: number, start time and boot. A reused number is another process."""

import json
import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import boot_id

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """`start_ticks` is field 22 of /proc/PID/stat (proc(5)): clock ticks after boot."""

    pid: int
    start_ticks: int
    boot: str

    @property
    def is_alive(self) -> bool:
        """True while this very process runs; a zombie is dead."""
        return self.boot == boot_id() and _start_ticks(self.pid) == self.start_ticks

    def send(self, number: signal.Signals) -> bool:
        """Signal this very process; False if it is gone. No other can get it (pidfd_open(2))."""
        with self._opened() as handle:
            if handle is None:
                return False
            try:
                signal.pidfd_send_signal(handle, number)
            except ProcessLookupError:
                return False
            return True

    def wait_end(self, timeout_s: float) -> bool:
        """Wait until it has ended; False if it has not in time. Blocks."""
        with self._opened() as handle:
            if handle is None:
                return True
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            return bool(poll.poll(timeout_s * 1000))

    def to_json(self) -> str:
        """As in a pid file."""
        return json.dumps({"pid": self.pid, "start_ticks": self.start_ticks, "boot": self.boot})

    @contextmanager
    def _opened(self) -> Iterator[int | None]:
        try:
            handle = os.pidfd_open(self.pid)
        except OSError:
            yield None
            return
        try:
            yield handle if self.is_alive else None
        finally:
            os.close(handle)


def identity_of(pid: int) -> ProcessIdentity | None:
    """The process that has this number now, or None."""
    ticks = _start_ticks(pid)
    return None if ticks is None else ProcessIdentity(pid, ticks, boot_id())


def read_identity(path: Path) -> ProcessIdentity | None:
    """From a pid file; None if it is missing or holds anything else."""
    try:
        values = json.loads(path.read_bytes()[:4096])
        return ProcessIdentity(int(values["pid"]), int(values["start_ticks"]), str(values["boot"]))
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        return None


def marked_processes(mark: str) -> list[ProcessIdentity]:
    """Processes of our user whose environment at their start held `mark` (`NAME=value`)."""
    wanted = mark.encode()
    found = []
    for folder in _PROC.iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if folder.stat().st_uid != os.getuid() or wanted not in _environment(folder):
                continue
        except OSError:
            continue
        if (identity := identity_of(int(folder.name))) is not None:
            found.append(identity)
    return found


def _environment(folder: Path) -> list[bytes]:
    return (folder / "environ").read_bytes().split(b"\0")


def _start_ticks(pid: int) -> int | None:
    """None for a process that is gone or a zombie. The name in field 2 may hold spaces and brackets."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text[text.rfind(")") + 2 :].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])
