"""The analyst process: decodes and looks; no vault, no key but the site's public one."""

import asyncio
import faulthandler
import sys
from collections.abc import Callable

from civiscope.analytics import (
    AnalysisPlan,
    AnalystFace,
    AnalystStatus,
    CoverageBook,
    ModelInfo,
    ModelShelf,
    PluginShelf,
    PoolSettings,
    PoolTools,
    WorkerPool,
)
from civiscope.app.analysis_feed import AnalysisFeed
from civiscope.app.analysis_plan import AnalysisFiles, analysis_digest
from civiscope.app.home import Home
from civiscope.app.keys import follow_key, load_keys
from civiscope.app.role import be, bus_of, stop_on_signal
from civiscope.app.settings import Settings
from civiscope.base import AppError, Clock, SystemClock, get_log
from civiscope.cluster import tell_ready
from civiscope.ingest import FeedClient

_CHECK_EVERY_S = 0.5
_CLOSE_LIMIT_S = 0.5
"""The supervisor gives a second."""
_MODELS_EVERY_US = 10_000_000
_SILENT_LIMIT_S = 30.0
"""When the loop stands so long (native code that holds the lock), the process ends and starts anew."""
_log = get_log("civiscope.app.analyst")


class AnalystDesk:
    """Implements `AnalystFace`; lives on the analyst's loop."""

    def __init__(
        self, pool: WorkerPool, feed: AnalysisFeed, files: AnalysisFiles, models: ModelShelf, clock: Clock
    ) -> None:
        self._pool = pool
        self._feed = feed
        self._files = files
        self._models = models
        self._clock = clock
        self._digest = analysis_digest(AnalysisPlan())
        self._infos: tuple[ModelInfo, ...] = ()
        self._infos_of = ("", -_MODELS_EVERY_US)

    def start_from_kept_plan(self) -> None:
        """Look at what was looked at last; since then nobody did."""
        seen_us = self._files.last_seen_us()
        self._look(self._files.load_plan(), None if seen_us is None else min(seen_us, self._clock.now_us()))

    async def apply_plan(self, plan: AnalysisPlan) -> None:
        """Look at these channels from now on; a disk that cannot keep the plan does not stop the looking."""
        self._look(plan, None)
        try:
            await asyncio.to_thread(self._files.keep_plan, plan)
        except AppError as error:
            _log.error("the plan is not kept", why=error.message)

    async def status(self) -> AnalystStatus:
        """Plan, models and channels."""
        detector = self._pool.detector_name
        models = await self._models_now(detector)
        return AnalystStatus(self._digest, detector, models, self._pool.figures())

    def _look(self, plan: AnalysisPlan, seen_until_us: int | None) -> None:
        self._pool.apply(plan, seen_until_us)
        self._feed.follow()
        self._digest = analysis_digest(plan)
        looked_at = sum(bool(one.analytics) for one in plan.channels)
        _log.info("looking by plan", channels=looked_at, switched_off=len(plan.channels) - looked_at)

    async def _models_now(self, detector: str) -> tuple[ModelInfo, ...]:
        """Files are read whole and hashed for it, so not at every question."""
        now_us = self._clock.monotonic_us()
        if self._infos_of[0] != detector or now_us - self._infos_of[1] >= _MODELS_EVERY_US:
            self._infos_of = detector, now_us
            self._infos = await asyncio.to_thread(self._models.infos, detector)
        return self._infos


async def run_analyst(home: Home, settings: Settings) -> None:
    """Be the analyst until SIGTERM; what lasts ends, and the span without us has its reason."""
    stop, clock = stop_on_signal(), SystemClock()
    keys = load_keys(home)
    sealer = keys.picture_sealer()
    files, models = AnalysisFiles(home.role("analyst")), ModelShelf(home.models)
    async with bus_of("analyst", home, clock) as bus:
        tools = PoolTools(
            clock,
            PluginShelf(settings.analytics.plugins),
            CoverageBook(bus.publish),
            bus.publish,
            sealer.seal,
        )
        wishes = settings.analytics
        pool = WorkerPool(
            tools, models.detector, PoolSettings(wishes.threads, full_main=wishes.main_stream == "full")
        )
        feed = AnalysisFeed(FeedClient(home.feed_socket, "analyst", clock), pool)
        desk = AnalystDesk(pool, feed, files, models, clock)
        try:
            desk.start_from_kept_plan()
            bus.serve(AnalystFace, desk)
            await bus.start()
            tell_ready()
            renewing = asyncio.ensure_future(follow_key(keys.folder / "analyst", sealer.renew))
            await _look(feed, pool, files.mark_seen, clock, stop)
            renewing.cancel()
        finally:
            faulthandler.cancel_dump_traceback_later()
            await asyncio.to_thread(pool.close, _CLOSE_LIMIT_S)
            files.mark_seen(clock.now_us())


async def _look(
    feed: AnalysisFeed, pool: WorkerPool, mark: Callable[[int], None], clock: Clock, stop: asyncio.Event
) -> None:
    """Until `stop`: the feed comes in, threads are watched over, and being here is marked."""
    async with asyncio.TaskGroup() as group:
        beside = [group.create_task(feed.run()), group.create_task(_mark(mark, clock))]
        while not stop.is_set() and not pool.is_wedged:
            faulthandler.dump_traceback_later(_SILENT_LIMIT_S, exit=True, file=sys.stderr)
            pool.check()
            try:
                async with asyncio.timeout(_CHECK_EVERY_S):
                    await stop.wait()
            except TimeoutError:
                continue
        feed.stop()
        for task in beside:
            task.cancel()
    if pool.is_wedged:
        _log.error("too many threads hang; the analyst starts anew")


async def _mark(mark: Callable[[int], None], clock: Clock) -> None:
    """Twice a second, until cancelled; a disk that does not answer stops nothing else."""
    while True:
        await asyncio.to_thread(mark, clock.now_us())
        await asyncio.sleep(_CHECK_EVERY_S)


if __name__ == "__main__":
    be(run_analyst)
