"""The server's line to the analyst: knows its status, and sees that it works by the right plan."""

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

from civiscope.analytics import AnalysisPlan, AnalystFace, AnalystStatus, AnalyticBook
from civiscope.app.analysis_plan import analysis_digest
from civiscope.base import AppError, Clock, ErrorKind, get_log
from civiscope.devices import Devices

_ASK_EVERY_S = 1.0
_FRESH_US = 5_000_000
_log = get_log("civiscope.app.server")


class AnalysisLink:
    """Answers at once, a second old, and UNAVAILABLE when the analyst is away."""

    def __init__(
        self,
        analyst: AnalystFace,
        book: AnalyticBook,
        devices: Devices,
        clock: Clock,
        wishes: Callable[[], tuple[str, ZoneInfo]],
    ) -> None:
        """`wishes`: the detector that is wished ("": the best one) and the site's zone, now."""
        self._analyst = analyst
        self._book = book
        self._devices = devices
        self._clock = clock
        self._wishes = wishes
        self._newest_plan = AnalysisPlan()
        self._newest_digest = analysis_digest(self._newest_plan)
        self._status: AnalystStatus | None = None
        self._asked_us = 0
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Cameras, analytics or settings have changed; on the loop."""
        self._wake.set()

    async def run(self) -> None:
        """Ask every second, and send the plan whenever the analyst's is another; until cancelled."""
        is_told = False
        while True:
            self._wake.clear()
            try:
                await self._ask()
                is_told = False
            except AppError as error:
                if not is_told:
                    _log.warning("the analyst does not answer", why=error.message)
                is_told = True
            try:
                async with asyncio.timeout(_ASK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    @property
    def is_fresh(self) -> bool:
        """The analyst answered within the last seconds."""
        return self._status is not None and self._clock.monotonic_us() - self._asked_us < _FRESH_US

    @property
    def newest(self) -> AnalystStatus | None:
        """The last answer, however old; None: there was none."""
        return self._status

    async def status(self) -> AnalystStatus:
        """The analyst's last answer; UNAVAILABLE when it is too old."""
        if self._status is None or not self.is_fresh:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                "The analyst does not answer. It starts again by itself; recording goes on, and what was not "
                "looked at is in the coverage.",
            )
        return self._status

    async def _ask(self) -> None:
        status = await self._analyst.status()
        wanted = await self._wanted()
        if status.plan_digest != self._digest_of(wanted):
            await self._analyst.apply_plan(wanted)
            status = await self._analyst.status()
        self._status, self._asked_us = status, self._clock.monotonic_us()

    def _digest_of(self, wanted: AnalysisPlan) -> str:
        """Computed anew for another plan only: it is asked for every second."""
        if wanted != self._newest_plan:
            self._newest_plan, self._newest_digest = wanted, analysis_digest(wanted)
        return self._newest_digest

    async def _wanted(self) -> AnalysisPlan:
        detector, zone = self._wishes()
        return await self._book.plan(await self._devices.cameras(), detector, zone.key)
