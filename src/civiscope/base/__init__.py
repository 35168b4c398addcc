"""The small words everyone uses: ids, clocks, spans, errors, back-off, logging, the registry of plug-ins.

Facts in: none. Facts out: none.
Invariants: nothing here knows what a camera, a row or a socket is; only `clock` reads the machine's clock.
"""

from civiscope.base.backoff import Backoff
from civiscope.base.clock import Clock, ManualClock, SystemClock, boot_id
from civiscope.base.errors import AppError, ErrorKind, ProtocolError, Whose
from civiscope.base.ids import (
    CaseId,
    ChannelId,
    DeviceId,
    FactId,
    NodeId,
    OrganisationId,
    PrincipalId,
    RunId,
    SegmentId,
    SiteId,
    StreamId,
    made_at_us,
    new_id,
)
from civiscope.base.log import Log, LogFormat, configure_logging, get_log, log_to_file
from civiscope.base.plugins import Plugin, PluginShelf, PluginSort, PluginStanding, ShelvedPlugin
from civiscope.base.span import ReasonedSpan, Span, merge_spans, subtract_spans

__all__ = [
    "AppError", "ErrorKind", "ProtocolError", "Whose",
    "Backoff",
    "Clock", "ManualClock", "SystemClock", "boot_id",
    "CaseId", "ChannelId", "DeviceId", "FactId", "NodeId", "OrganisationId", "PrincipalId", "RunId",
    "SegmentId", "SiteId", "StreamId", "made_at_us", "new_id",
    "Log", "LogFormat", "configure_logging", "get_log", "log_to_file",
    "Plugin", "PluginShelf", "PluginSort", "PluginStanding", "ShelvedPlugin",
    "ReasonedSpan", "Span", "merge_spans", "subtract_spans",
]  # fmt: skip
