"""The contract of an analytic: a plug-in that is, where possible, a pure function of paths."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel

from civiscope.analytics.model import ObjectClass, Observation, SeenFrame

ANALYTIC_ENTRY_POINTS = "civiscope.analytics.v1"
"""The entry point group by which analytics, ours too, are found; each names one `AnalyticPlugin` value."""


class AiUseClass(StrEnum):
    """Regulation (EU) 2024/1689: what sort of use it is. What Art. 5 prohibits cannot be declared at all."""

    NONE = "none"
    """No AI system: arithmetic on what others found."""
    MINIMAL = "minimal"
    TRANSPARENCY = "transparency"
    """Art. 50."""
    HIGH_RISK = "high_risk"
    """Annex III."""


@dataclass(frozen=True, slots=True)
class DetectorNeeds:
    """What it needs to be found, and the density it was validated at."""

    classes: frozenset[ObjectClass]
    min_height_px: int = 0
    """Objects lower than this, in the pixels of the analysed picture, were not validated."""


class Analytic(Protocol):
    """One running analytic of one channel. Never called from two threads at once; must not block."""

    def look(self, frame: SeenFrame) -> Sequence[Observation]:
        """What is to be said at this frame; frames come in order."""
        ...

    def end(self, at_us: int) -> Sequence[Observation]:
        """The run is over, or the analytic is switched off: end what lasts."""
        ...


@dataclass(frozen=True, slots=True)
class AnalyticPlugin:
    """One kind of analytic: one frozen value, named by an entry point."""

    name: str
    """Small letters; stored with each analytic."""
    title: str
    infers: str
    """What it concludes about people, in a sentence for the register."""
    ai_class: AiUseClass
    kinds: tuple[str, ...]
    """Kinds of observation it may make; others are refused."""
    settings: type[BaseModel]
    """Its JSON schema is the form in the page."""
    needs: DetectorNeeds
    make: Callable[[Any], Analytic]
    """From a value of `settings`."""
    deadline_s: float = 0.2
    """A `look` that takes longer is counted as trouble; several switch the analytic off, with words."""
