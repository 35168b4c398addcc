"""The server's line to the recorder: knows its status, and sees that it records by the right plan."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from civiscope.api import RecorderStreams, source_of
from civiscope.app.plan import RecordingPlan, plan_digest
from civiscope.app.running_windows import RunningWindows
from civiscope.base import AppError, Clock, ErrorKind, StreamId, get_log
from civiscope.devices import Devices, GateRules
from civiscope.ingest import StreamSource
from civiscope.recording import (
    HeldSpan,
    KeepTimes,
    RecorderFace,
    RecorderStatus,
    RecordingModes,
    Window,
    holds_digest,
)
from civiscope.security import LOCKED_WORDS

_ASK_EVERY_S = 1.0
_FRESH_US = 5_000_000
_log = get_log("civiscope.app.server")


class RecorderLink:
    """A `RecorderFace` that answers at once, a second old, and UNAVAILABLE when the recorder is away."""

    def __init__(
        self,
        recorder: RecorderFace,
        devices: Devices,
        clock: Clock,
        plan_changed: asyncio.Event,
        gate_rules: Callable[[], GateRules],
    ) -> None:
        self._recorder = recorder
        self._devices = devices
        self._clock = clock
        self._status: RecorderStatus | None = None
        self._asked_us = 0
        self._wake = plan_changed
        self._gate_rules = gate_rules
        self._troubles: dict[str, str] = {}
        self.held: Callable[[], Awaitable[tuple[HeldSpan, ...]]] = _nothing_held
        """What must not be deleted now; wired by `app` before `run`."""
        self.times: Callable[[], Awaitable[KeepTimes]] | None = None
        """How long each stream is kept; wired by `app` before `run`. None: as the recorder knows it."""

        self.modes: Callable[[], Awaitable[RecordingModes]] | None = None
        """When each stream is recorded; wired by `app` before `run`. None: as the recorder knows it."""
        self.going_on: Callable[[], Awaitable[None]] | None = None
        """Called with each question: orders anew what lasts."""
        self._windows = RunningWindows(clock)

    async def run(self) -> None:
        """Ask every second, and send the plan whenever the recorder's is another; until cancelled."""
        while True:
            self._wake.clear()
            try:
                await self._ask()
            except AppError as error:
                _log.warning("the recorder does not answer", why=error.message)
            try:
                async with asyncio.timeout(_ASK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    @property
    def is_fresh(self) -> bool:
        """The recorder answered within the last seconds."""
        return self._status is not None and self._clock.monotonic_us() - self._asked_us < _FRESH_US

    async def status(self) -> RecorderStatus:
        """The recorder's last answer; UNAVAILABLE when it is too old."""
        if self._status is None or not self.is_fresh:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                "The recorder does not answer. It starts again by itself; what it received is on the disk.",
            )
        return self._status

    async def apply_plan(self, sources: tuple[StreamSource, ...], gate: GateRules) -> None:
        """Hand a plan over; the next question finds it applied."""
        await self._recorder.apply_plan(sources, gate)

    async def apply_holds(self, holds: tuple[HeldSpan, ...]) -> None:
        """Hand holds over; the next question sends the server's own again."""
        await self._recorder.apply_holds(holds)

    async def apply_times(self, times: KeepTimes) -> None:
        """Hand times over; the next question sends the server's own again."""
        await self._recorder.apply_times(times)

    async def apply_modes(self, modes: RecordingModes) -> None:
        """Hand modes over; the next question sends the server's own again."""
        await self._recorder.apply_modes(modes)

    def want(self, windows: tuple[Window, ...]) -> None:
        """Sent with the next question, and until the recorder knows them."""
        self._windows.add(windows)

    async def record(self, windows: tuple[Window, ...]) -> None:
        """Hand windows over; what does not arrive, or is forgotten there, is sent with the next question."""
        self._windows.add(windows)
        await self._recorder.record(windows)

    async def keep_case_wraps(self, wraps: tuple[bytes, ...]) -> None:
        """Hand wraps over; who made them looks whether they are there."""
        await self._recorder.keep_case_wraps(wraps)

    async def words(self) -> Mapping[StreamId, str]:
        """Stream → one word, for the command line; empty while the recorder is away."""
        if not self.is_fresh:
            return {}
        return {one.stream_id: one.state for one in await RecorderStreams(self).states()}

    async def _ask(self) -> None:
        status = await self._recorder.status()
        wanted = await self._wanted()
        gate = await asyncio.to_thread(self._gate_rules)
        if wanted is not None and status.plan_digest != plan_digest(RecordingPlan(wanted, gate)):
            await self._recorder.apply_plan(wanted, gate)
            status = await self._recorder.status()
        self._status, self._asked_us = status, self._clock.monotonic_us()
        await self._send("holds", self._send_holds(status))
        await self._send("times", self._send_times(status))
        await self._send("modes", self._send_modes(status))
        await self._send("windows", self._send_windows(status))

    async def _send(self, what: str, sending: Awaitable[None]) -> None:
        """A failure is told once, and tried again with each question."""
        trouble = ""
        try:
            await sending
        except AppError as error:
            trouble = error.message
        if trouble and trouble != self._troubles.get(what):
            _log.error("the recorder has not got what it must know", what=what, why=trouble)
        self._troubles[what] = trouble

    async def _send_holds(self, status: RecorderStatus) -> None:
        held = await self.held()
        if status.holds_digest != holds_digest(held):
            await self._recorder.apply_holds(held)

    async def _send_times(self, status: RecorderStatus) -> None:
        if self.times is None:
            return
        times = await self.times()
        if status.times_digest != times.digest():
            await self._recorder.apply_times(times)

    async def _send_modes(self, status: RecorderStatus) -> None:
        if self.modes is None:
            return
        modes = await self.modes()
        if status.modes.digest != modes.digest():
            await self._recorder.apply_modes(modes)

    async def _send_windows(self, status: RecorderStatus) -> None:
        if self.going_on is not None:
            await self.going_on()
        missing = self._windows.missing(status.modes.windows)
        if missing:
            await self._recorder.record(missing)

    async def _wanted(self) -> tuple[StreamSource, ...] | None:
        """None while the vault is locked: no plan is sent, and the recorder goes on by the one it keeps."""
        try:
            return tuple(source_of(one) for one in await self._devices.plan())
        except AppError as error:
            if error.message != LOCKED_WORDS:
                raise
            return None


async def _nothing_held() -> tuple[HeldSpan, ...]:
    return ()
