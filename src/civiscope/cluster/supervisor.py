"""The supervisor of `civiscope up`: keeps the roles of one machine running and ends them in order."""

import asyncio
import os
import signal
from collections.abc import Sequence

from civiscope.base import Clock, SystemClock, get_log
from civiscope.cluster.holder import Holder
from civiscope.cluster.identity import identity_of
from civiscope.cluster.keeper import Keeper
from civiscope.cluster.model import ProcessStatus, RoleSpec, SupervisorSettings
from civiscope.cluster.orphans import stop_orphans
from civiscope.cluster.snapshot import ProcessesSnapshot, write_snapshot

_log = get_log("civiscope.cluster")


class Supervisor:
    """Starts `specs` in their order (upstream first: recorder …) and stops them in the opposite order.

    Its own death ends none of its children: the recorder goes on, and the next `run` on the same run folder
    stops what it finds before it starts anew. One supervisor per run folder. The folders exist and are 0700.
    """

    def __init__(
        self, specs: Sequence[RoleSpec], settings: SupervisorSettings, clock: Clock | None = None
    ) -> None:
        if sum(spec.stop_s for spec in specs) > settings.stop_s:
            raise ValueError(
                f"the roles' stop_s add up to more than the {settings.stop_s:g} s a stop may take"
            )
        if len({spec.role for spec in specs}) != len(specs):
            raise ValueError("a role stands twice among the specs")
        self._settings = settings
        self._clock = clock or SystemClock()
        self._changed = asyncio.Event()
        self._keepers = [Keeper(spec, settings, self._clock, self._changed.set) for spec in specs]
        self._group: asyncio.TaskGroup | None = None

    def status(self) -> tuple[ProcessStatus, ...]:
        """How every role fares, in the order of the specs."""
        return tuple(keeper.status for keeper in self._keepers)

    def add(self, spec: RoleSpec) -> None:
        """Start one more role while `run` runs, upstream of the others; a role that is there stays as it is.

        ValueError when its stop time does not fit, or nothing runs.
        """
        if any(keeper.spec.role == spec.role for keeper in self._keepers):
            return
        if spec.stop_s + sum(keeper.spec.stop_s for keeper in self._keepers) > self._settings.stop_s:
            raise ValueError(f"{spec.role}: no time is left for its stop")
        if self._group is None:
            raise ValueError("a role is added while the supervisor runs")
        keeper = Keeper(spec, self._settings, self._clock, self._changed.set)
        self._keepers.insert(0, keeper)
        self._group.create_task(keeper.run(), name=f"keep-{spec.role}")

    async def run(self, until: asyncio.Event) -> None:
        """Keep everything running until the event, then stop it; `CONFLICT` if another supervisor runs here.

        Cancelled, it stops everything too. From the event to the return it takes 10 s at most.
        """
        holder = Holder(self._settings.run_folder)
        holder.take()
        try:
            await self._stop_orphans()
            await self._keep(until)
        finally:
            holder.release()

    async def _keep(self, until: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            for keeper in self._keepers:
                group.create_task(keeper.run(), name=f"keep-{keeper.spec.role}")
            housekeeping = group.create_task(self._keep_house(), name="housekeeping")
            try:
                await until.wait()
            finally:
                self._group = None
                for keeper in reversed(self._keepers):
                    await keeper.stop()
                housekeeping.cancel()
        self._write_snapshot()

    async def _stop_orphans(self) -> None:
        for keeper in reversed(self._keepers):
            await asyncio.to_thread(stop_orphans, self._settings.run_folder, keeper.spec)

    async def _keep_house(self) -> None:
        """The snapshot after every change and every tick, and the length of the logs."""
        while True:
            self._changed.clear()
            await asyncio.to_thread(self._write_snapshot)
            for keeper in self._keepers:
                await asyncio.to_thread(keeper.rotate_log)
            try:
                async with asyncio.timeout(self._settings.tick_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _write_snapshot(self) -> None:
        identity = identity_of(os.getpid())
        assert identity is not None
        snapshot = ProcessesSnapshot(self._clock.now_us(), identity, self.status())
        try:
            write_snapshot(self._settings.run_folder, snapshot)
        except OSError as error:
            _log.warning("the state of the processes could not be written", why=error.strerror)


def stop_on_signals(until: asyncio.Event) -> None:
    """Set the event on SIGTERM, SIGINT (Ctrl-C) and SIGHUP (terminal closed); in the main thread only."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, until.set)
