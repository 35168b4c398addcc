"""One driver's own thread and event loop: what a driver does wrong there, it does to itself alone."""

import asyncio
import threading
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from civiscope.base import AppError, ErrorKind, get_log
from civiscope.devices.equipment import Trouble, TroubleError, TroubleReport

T = TypeVar("T")
RUNNING_LIMIT = 16
WAITING_LIMIT = 16
"""Together half of what the bus lets one process answer at once: a stuck driver leaves room for others."""
GRACE_S = 1.0
"""After its deadline a call has this long to end; then its loop counts as blocked."""
_JOIN_S = 0.4
_SIGN_OF_LIFE_S = 0.05
_log = get_log("civiscope.devices.cell")


class Cell:
    """Runs calls of one driver. Made and asked on the host's loop; the thread starts with the first call.

    A call that overruns its deadline is cancelled. A driver that blocks its loop (a busy or sleeping call
    without await) cannot be interrupted by anybody: its calls are refused until its loop turns again; other
    drivers and the bus go on, sharing the interpreter. A driver that ignores cancellation uses up its own
    slots.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._slots: asyncio.Semaphore | None = None
        self._present = 0
        self._is_stuck = False

    @property
    def is_stuck(self) -> bool:
        """The driver blocks its own loop at this moment."""
        return self._is_stuck

    async def run(self, work: Callable[[], Awaitable[T]], limit_s: float) -> T:
        """One call, waiting for a slot included; raises AppError only (`TroubleError` for the driver's own).

        EXHAUSTED when too many wait, UNAVAILABLE while the driver blocks.
        """
        if self._is_stuck:
            raise TroubleError(_blocked(self.name))
        future = asyncio.run_coroutine_threadsafe(self._one(work, limit_s), self._ready_loop())
        try:
            async with asyncio.timeout(limit_s + GRACE_S):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            await self._look_whether_stuck()
            raise TroubleError(_blocked(self.name) if self._is_stuck else _late(self.name)) from None

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        """Let this run beside calls, for long; the answer ends it. What it raises is logged, and ends it."""
        loop = self._ready_loop()
        future = asyncio.run_coroutine_threadsafe(self._long(work), loop)

        def end() -> None:
            future.cancel()

        return end

    async def close(self) -> None:
        """Cancel everything and end the thread; one that is blocked is left behind (it ends with us)."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(_cancel_all, loop)
        loop.call_soon_threadsafe(_stop_soon, loop)
        await asyncio.to_thread(thread.join, _JOIN_S)
        if thread.is_alive():
            _log.warning("a driver does not stop; it ends with the process", driver=self.name)
        self._loop = self._thread = None

    async def _one(self, work: Callable[[], Awaitable[T]], limit_s: float) -> T:
        assert self._slots is not None  # made with the loop
        if self._present >= RUNNING_LIMIT + WAITING_LIMIT:
            raise AppError(
                ErrorKind.EXHAUSTED, f"The driver {self.name} has {self._present} calls to do: try again."
            )
        self._present += 1
        try:
            async with asyncio.timeout(limit_s), self._slots:
                return await work()
        except AppError:
            raise
        except TimeoutError:
            raise TroubleError(_late(self.name)) from None
        except Exception as error:  # the plug-in's edge: a stranger's code may raise whatever it likes
            _log.error(
                "a driver failed", driver=self.name, error=type(error).__name__, trace=places_of(error)
            )
            raise TroubleError(_broke(self.name)) from None
        finally:
            self._present -= 1

    async def _long(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except Exception as error:  # task supervisor
            _log.error(
                "a driver failed", driver=self.name, error=type(error).__name__, trace=places_of(error)
            )

    def _ready_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._slots = asyncio.Semaphore(RUNNING_LIMIT)
            self._thread = threading.Thread(
                target=_turn, args=(self._loop,), name=f"driver-{self.name}", daemon=True
            )
            self._thread.start()
        return self._loop

    async def _look_whether_stuck(self) -> None:
        """Ask the loop for a sign of life; until it comes the driver counts as blocked."""
        assert self._loop is not None
        self._is_stuck = True
        self._loop.call_soon_threadsafe(self._turns_again)
        await asyncio.sleep(_SIGN_OF_LIFE_S)

    def _turns_again(self) -> None:
        self._is_stuck = False


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


def _stop_soon(loop: asyncio.AbstractEventLoop) -> None:
    """Let cancelled tasks close what they hold, then stop."""
    if asyncio.all_tasks(loop):
        loop.call_later(0.02, _stop_soon, loop)
    else:
        loop.stop()


def places_of(error: BaseException) -> str:
    """Where it happened, without the words of the error: those may hold what a device must keep secret."""
    return "".join(traceback.format_tb(error.__traceback__, 12))


def _late(name: str) -> TroubleReport:
    return TroubleReport(
        Trouble.TIMEOUT,
        f"The device did not answer the driver {name} in time.",
        "Check address, cable and power; a busy device may answer at a second try.",
    )


def _blocked(name: str) -> TroubleReport:
    return TroubleReport(
        Trouble.DRIVER,
        f"The driver {name} hangs and takes nothing more until it has ended what it does.",
        "Try again in a minute; if it stays, report it to the driver's maker.",
    )


def _broke(name: str) -> TroubleReport:
    return TroubleReport(
        Trouble.DRIVER,
        f"The driver {name} failed at this device.",
        "The log of the process `driver` says where; report it to the driver's maker.",
    )
