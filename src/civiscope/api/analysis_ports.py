"""What the calls of analytics need from elsewhere: the analyst's last word, and the plug-ins there are."""

from collections.abc import Sequence
from typing import Protocol

from civiscope.analytics import AnalystStatus, AnalyticInfo


class AnalysisDesk(Protocol):
    """The analyst as the server knows it."""

    @property
    def is_fresh(self) -> bool:
        """It answered within the last seconds."""
        ...

    @property
    def newest(self) -> AnalystStatus | None:
        """Its last answer, however old; None: there was none."""
        ...

    def plugins(self) -> Sequence[AnalyticInfo]:
        """Every installed analytic; blocks while they are loaded for the first time."""
        ...

    def wake(self) -> None:
        """Analytics have changed: let the analyst know now."""
        ...
