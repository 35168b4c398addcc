"""One life of a supervised process, from its start to its end, in the event loop without a thread."""

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path

from civiscope.cluster.identity import ProcessIdentity, identity_of
from civiscope.cluster.model import RoleSpec
from civiscope.cluster.ready import READY_FD, mark_of


class Child:
    """A started process, leading a session of its own: a Ctrl-C reaches the supervisor only."""

    def __init__(self, process: "subprocess.Popen[bytes]", ready_pipe: int) -> None:
        self._process = process
        self.pid = process.pid
        self.identity: ProcessIdentity | None = identity_of(process.pid)
        self._pidfd = os.pidfd_open(process.pid)
        self._ready_pipe: int | None = ready_pipe
        self.ready = asyncio.Event()
        self.ended = asyncio.Event()
        self.return_code: int | None = None
        loop = asyncio.get_running_loop()
        loop.add_reader(ready_pipe, self._on_ready_pipe)
        loop.add_reader(self._pidfd, self._on_end)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        if self.return_code is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and whatever it started (SIGKILL to its process group)."""
        if self.return_code is None:
            self._kill_group()

    def _on_ready_pipe(self) -> None:
        assert self._ready_pipe is not None
        if os.read(self._ready_pipe, 16):
            self.ready.set()
        self._close_ready_pipe()

    def _on_end(self) -> None:
        """A zombie until waited for: its number is not reused yet, so what it left behind can be killed."""
        self._kill_group()
        self.return_code = self._process.wait()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._close_ready_pipe()
        self.ended.set()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _close_ready_pipe(self) -> None:
        if self._ready_pipe is not None:
            asyncio.get_running_loop().remove_reader(self._ready_pipe)
            os.close(self._ready_pipe)
            self._ready_pipe = None


def start_child(spec: RoleSpec, run_folder: Path, log: int) -> Child:
    """Start it; OSError if that fails. Takes over nothing: the caller closes `log`."""
    ready_read, ready_write = os.pipe()
    name, _, value = mark_of(str(run_folder), spec.role).partition("=")
    try:
        process = subprocess.Popen(
            spec.argv,
            env={**os.environ, **spec.env, READY_FD: str(ready_write), name: value},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(ready_write, *spec.pass_fds),
            start_new_session=True,
            umask=0o077,
        )
    except OSError:
        os.close(ready_read)
        raise
    finally:
        os.close(ready_write)
    try:
        return Child(process, ready_read)
    except OSError:  # no descriptor left to watch it by
        process.kill()
        process.wait()
        os.close(ready_read)
        raise
