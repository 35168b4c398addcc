"""How the server and the analyst speak: what is to be looked at, and how it stands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind, StreamId


@dataclass(frozen=True, slots=True)
class AnalyticOrder:
    """One analytic that shall run on a channel, with settings as JSON text."""

    analytic_id: UUID
    plugin: str
    settings_json: str
    schedule_json: str = ""
    """A `security.TimeProfile` as JSON; empty: always."""

    def schedule(self) -> Mapping[str, Any] | None:
        """The profile as a JSON value; None: always. INVALID for a text that is none."""
        if not self.schedule_json:
            return None
        try:
            value = json.loads(self.schedule_json)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise AppError(ErrorKind.INVALID, "The analytic's schedule cannot be read. Set it again.")
        return value


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """One channel to look at, by its sub stream where it has one."""

    channel_id: ChannelId
    stream_id: StreamId
    is_main: bool
    """The main stream is looked at, for want of a sub stream: dearer, and said so."""
    analytics: tuple[AnalyticOrder, ...] = ()


@dataclass(frozen=True, slots=True)
class AnalysisPlan:
    """Everything the analyst shall do; a later plan replaces it."""

    channels: tuple[ChannelPlan, ...] = ()
    detector: str = ""
    """A model's name; empty: the best one that is installed."""
    time_zone: str = "UTC"
    """The site's zone, for schedules."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model of the registry and how it stands here."""

    name: str
    task: str
    state: str
    """`active`, `installed`, `missing`, `refused`."""
    is_verified: bool
    """Somebody checked the official address and hash; else it works by import only."""
    licence: str
    input: str
    why: str = ""
    """Of a refused one."""
    card: str = ""
    """The model card, as text."""


@dataclass(frozen=True, slots=True)
class AnalyticState:
    """One analytic of a channel; `trouble` is empty while it works."""

    analytic_id: UUID
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """How the looking at one channel stands, over the last ten seconds or so."""

    channel_id: ChannelId
    coverage: str
    """The reason word of `CoverageChanged`."""
    since_us: int
    detail: str
    frames_per_s: float
    """Decoded."""
    moving_share: float
    """Of decoded frames, 0 to 1: those in which something moved."""
    detections_per_s: float
    """Calls of the detector."""
    cost_ms_per_s: float
    """Processor time for a second of it."""
    width_px: int
    height_px: int
    objects: int
    """Confirmed in the newest frame."""
    shed_frames: int
    """Since the start of the analyst."""
    analytics: tuple[AnalyticState, ...] = ()
    latency_ms: float = 0.0
    """From a frame's arrival until its observations were said, 95 of 100."""


@dataclass(frozen=True, slots=True)
class AnalystStatus:
    """Everything Health says of the analyst."""

    plan_digest: str
    detector: str
    """The model in use: every screen says which one."""
    models: tuple[ModelInfo, ...]
    channels: tuple[ChannelFigures, ...]


class AnalystFace(Protocol):
    """Served by the analyst on the bus."""

    async def apply_plan(self, plan: AnalysisPlan) -> None:
        """Look at these channels from now on."""
        ...

    async def status(self) -> AnalystStatus:
        """Plan, models and channels."""
        ...
