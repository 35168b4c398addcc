"""Keeps one role running: starts it, starts it again with back-off, and ends it when told."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from civiscope.base import Backoff, Clock, get_log
from civiscope.cluster.child import Child, start_child
from civiscope.cluster.logfile import LogFile
from civiscope.cluster.model import (
    ProcessState,
    ProcessStatus,
    RoleSpec,
    SupervisorSettings,
    after_end,
    words_of_end,
)

_log = get_log("civiscope.cluster")
KILL_WAIT_S = 1.0
"""A killed process is gone at once, but for one stuck in the kernel (a dead disk); it is not waited for."""


class Keeper:
    """One role of the supervisor; `on_change` is called in the loop whenever `status` has changed."""

    def __init__(
        self, spec: RoleSpec, settings: SupervisorSettings, clock: Clock, on_change: Callable[[], None]
    ) -> None:
        self.spec = spec
        self._settings = settings
        self._clock = clock
        self._on_change = on_change
        self._backoff = Backoff(first_s=settings.first_retry_s, limit_s=settings.retry_limit_s)
        self._log_file = LogFile(
            settings.log_folder / f"{spec.role}.log", settings.log_limit_bytes, settings.logs_kept
        )
        self._stop = asyncio.Event()
        self._child: Child | None = None
        self.status = ProcessStatus(spec.role, ProcessState.STOPPED, clock.now_us())

    async def run(self) -> None:
        """Keep it running until `stop`."""
        while not self._stop.is_set():
            began_us = self._clock.monotonic_us()
            how = await self._live()
            if self._stop.is_set():
                break
            life_s = (self._clock.monotonic_us() - began_us) / 1_000_000
            was_short = life_s < self._settings.settled_s
            self._set(after_end(self.status, was_short, how, self._clock.now_us()))
            if not was_short:
                self._backoff.reset()
            _log.error("a process ended", role=self.spec.role, how=how, after_s=round(life_s, 1))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._backoff.next_delay_s()):
                    await self._stop.wait()
        self._set(replace(self.status, state=ProcessState.STOPPED, since_us=self._clock.now_us(), pid=None))

    async def stop(self) -> None:
        """SIGTERM, up to `stop_s`, SIGKILL; returns when the process is gone."""
        self._stop.set()
        child = self._child
        if child is None:
            return
        self._enter(ProcessState.STOPPING)
        child.terminate()
        if not await _within(child.ended, self.spec.stop_s):
            _log.error("a process did not stop and was killed", role=self.spec.role, after_s=self.spec.stop_s)
            child.kill()
            await _within(child.ended, KILL_WAIT_S)

    def rotate_log(self) -> None:
        """Begin a new log file if the old one is long; blocks."""
        try:
            self._log_file.rotate_if_long()
        except OSError as error:
            _log.warning("a log could not be rotated", role=self.spec.role, why=error.strerror)

    async def _live(self) -> str:
        """One life; how it ended."""
        self._set(replace(self.status, starts=self.status.starts + 1))
        if not self.status.is_failing:
            self._enter(ProcessState.STARTING)
        try:
            child = self._start()
        except OSError as error:
            return f"could not be started: {error.strerror} ({error.filename or self.spec.argv[0]})"
        self._child = child
        self._set(replace(self.status, pid=child.pid))
        try:
            async with asyncio.TaskGroup() as group:
                note = group.create_task(self._note_ready(child))
                await child.ended.wait()
                note.cancel()
        finally:
            self._child = None
            self._pid_file.unlink(missing_ok=True)
        assert child.return_code is not None
        return words_of_end(child.return_code)

    async def _note_ready(self, child: Child) -> None:
        """Running once it is ready; one that was failing must live for a while first."""
        await child.ready.wait()
        if self.status.is_failing:
            await asyncio.sleep(self._settings.settled_s)
            self._set(replace(self.status, short_lives=0))
        if self.status.state is not ProcessState.STOPPING:
            self._enter(ProcessState.RUNNING)

    def _start(self) -> Child:
        log = self._log_file.open()
        try:
            child = start_child(self.spec, self._settings.run_folder, log)
        finally:
            os.close(log)
        if child.identity is not None:
            self._write_pid_file(child.identity.to_json())
        return child

    def _write_pid_file(self, text: str) -> None:
        fresh = self._pid_file.with_suffix(".pid.new")
        try:
            fresh.write_text(text, encoding="ascii")
            fresh.chmod(0o600)
            fresh.replace(self._pid_file)
        except OSError as error:
            _log.warning("a pid file could not be written", role=self.spec.role, why=error.strerror)

    @property
    def _pid_file(self) -> Path:
        return pid_file(self._settings.run_folder, self.spec.role)

    def _enter(self, state: ProcessState) -> None:
        self._set(replace(self.status, state=state, since_us=self._clock.now_us()))

    def _set(self, status: ProcessStatus) -> None:
        self.status = status
        self._on_change()


def pid_file(run_folder: Path, role: str) -> Path:
    """Where the identity of a role's process stands."""
    return run_folder / f"{role}.pid"


async def _within(event: asyncio.Event, limit_s: float) -> bool:
    try:
        async with asyncio.timeout(limit_s):
            await event.wait()
    except TimeoutError:
        return False
    return True
