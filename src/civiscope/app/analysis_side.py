"""The server's side of seeing: the book of analytics and the line to the analyst."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from civiscope.analytics import (
    AnalystFace,
    AnalystStatus,
    AnalyticInfo,
    AnalyticTroubled,
)
from civiscope.app.analysis_link import AnalysisLink
from civiscope.app.site import Site
from civiscope.base import get_log
from civiscope.bus import Endpoint, Envelope

_CALL_LIMIT_S = 10.0
_SUBSCRIPTION = "analytics in trouble"
_log = get_log("civiscope.app.analysis")


class AnalysisSide:
    """Wired before the bus starts; `run` beside the door. Implements the door's `AnalysisDesk`."""

    def __init__(self, site: Site, bus: Endpoint) -> None:
        self._shelf = site.shelf
        self.link = AnalysisLink(
            bus.face("analyst", AnalystFace, _CALL_LIMIT_S),
            site.analytics,
            site.devices,
            site.clock,
            lambda: (site.pages.seeing.detector, ZoneInfo(site.pages.site.time_zone)),
        )
        bus.subscribe("analyst", AnalyticTroubled, self._troubled, _SUBSCRIPTION)

    @property
    def is_fresh(self) -> bool:
        """The analyst answered within the last seconds."""
        return self.link.is_fresh

    @property
    def newest(self) -> AnalystStatus | None:
        """The analyst's last answer, however old; None: there was none."""
        return self.link.newest

    def plugins(self) -> Sequence[AnalyticInfo]:
        """Every installed analytic; blocks while they are loaded for the first time."""
        return self._shelf.infos()

    def wake(self) -> None:
        """Cameras, analytics or settings have changed; on the loop."""
        self.link.wake()

    async def run(self) -> None:
        """Until cancelled."""
        await self.link.run()

    async def _troubled(self, _: Envelope, told: AnalyticTroubled) -> None:
        """Health shows it by the status; the log keeps it."""
        _log.warning("an analytic is off", channel=told.channel_id, analytic=told.analytic_id, why=told.why)
