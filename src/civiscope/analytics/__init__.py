"""Looks at the pictures of one channel and says what it saw: detection, tracking, analytics on paths.

Facts in: none (units by the feed, orders by `AnalystFace`).
Facts out: `ObservationMade`, `CoverageChanged`, `AnalyticTroubled`.
Invariants: a frame never leaves the process that decoded it; every span that was not looked at has a reason;
a picture leaves sealed only; an analytic that throws or hangs takes nothing down but itself.
"""

from civiscope.analytics.assignment import best_assignment
from civiscope.analytics.book import AnalyticBook, AnalyticDraft, KeptAnalytic, SettingsError
from civiscope.analytics.builtin import BUILTIN_NAME, load_builtin
from civiscope.analytics.coverage import Coverage, CoverageBook
from civiscope.analytics.detector import Detector, ScoreLevels
from civiscope.analytics.eye import ChannelEye, SeeingSettings, Seen, build_eye
from civiscope.analytics.face import (
    AnalysisPlan,
    AnalystFace,
    AnalystStatus,
    AnalyticOrder,
    AnalyticState,
    ChannelFigures,
    ChannelPlan,
    ModelInfo,
)
from civiscope.analytics.facts import AnalyticTroubled, CoverageChanged, ObservationMade
from civiscope.analytics.model import (
    CLASSES,
    VEHICLES,
    Box,
    Detections,
    ObjectClass,
    Observation,
    Phase,
    SeenFrame,
    TrackedObject,
    covers,
)
from civiscope.analytics.models import Fetch, ModelEntry, ModelShelf, shipped_entries
from civiscope.analytics.motion import BlockMap, Motion, MotionSettings
from civiscope.analytics.plugin import (
    ANALYTIC_ENTRY_POINTS,
    AiUseClass,
    Analytic,
    AnalyticPlugin,
    DetectorNeeds,
)
from civiscope.analytics.plugin_shelf import SHIPPED_ANALYTICS, AnalyticInfo, PluginShelf
from civiscope.analytics.running import RunningAnalytic, Said, start_analytic
from civiscope.analytics.schedule import schedule_value
from civiscope.analytics.tables import migrate_analytics
from civiscope.analytics.tracker import Tracker, TrackerSettings
from civiscope.analytics.worker_pool import PoolSettings, PoolTools, WorkerPool

__all__ = [
    "AnalyticBook", "AnalyticDraft", "KeptAnalytic", "SettingsError", "migrate_analytics", "schedule_value",
    "Coverage", "CoverageBook", "PoolSettings", "PoolTools", "WorkerPool",
    "AnalysisPlan", "AnalystFace", "AnalystStatus", "AnalyticOrder", "AnalyticState", "ChannelFigures",
    "ChannelPlan", "ModelInfo",
    "AnalyticTroubled", "CoverageChanged", "ObservationMade",
    "CLASSES", "VEHICLES", "Box", "Detections", "ObjectClass", "Observation", "Phase", "SeenFrame",
    "TrackedObject", "covers", "best_assignment",
    "BUILTIN_NAME", "Fetch", "ModelEntry", "ModelShelf", "load_builtin", "shipped_entries",
    "BlockMap", "ChannelEye", "Detector", "Motion", "MotionSettings", "Said", "ScoreLevels", "SeeingSettings",
    "Seen", "Tracker", "TrackerSettings", "build_eye",
    "SHIPPED_ANALYTICS", "AnalyticInfo", "PluginShelf", "RunningAnalytic", "start_analytic",
    "ANALYTIC_ENTRY_POINTS", "AiUseClass", "Analytic", "AnalyticPlugin", "DetectorNeeds",
]  # fmt: skip
