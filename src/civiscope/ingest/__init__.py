"""One living session per stream: timed access units for any number of readers, and why there are none.

Facts in: none; the plan comes as sources. Facts out: none; sinks are told of runs, units, losses.
Invariants: the tick never waits; every unit comes as received, in order; every loss has a reason; no secret
is ever in a log, an error or an argument of a process.
"""

from civiscope.ingest.derived import DerivedSettings, DerivedStreams
from civiscope.ingest.feed_client import FeedAway, FeedClient, FeedEvent, FeedHandler
from civiscope.ingest.feed_server import FeedReaderStatus, FeedServer, FeedSettings
from civiscope.ingest.feed_wire import FeedDropped, FeedEnded, FeedRun, FeedStart, FeedUnit
from civiscope.ingest.intake import Intake
from civiscope.ingest.model import (
    ImportMark,
    LossReason,
    Probed,
    StreamSource,
    StreamState,
    StreamStatus,
    Transport,
)
from civiscope.ingest.ports import StreamSink
from civiscope.ingest.probe import presented_certificate, probe
from civiscope.ingest.recorded_only import RecordedOnly
from civiscope.ingest.settings import IntakeSettings

__all__ = [
    "DerivedSettings", "DerivedStreams",
    "FeedAway", "FeedClient", "FeedDropped", "FeedEnded", "FeedEvent", "FeedHandler", "FeedReaderStatus",
    "FeedRun", "FeedServer", "FeedSettings", "FeedStart", "FeedUnit",
    "Intake", "IntakeSettings", "RecordedOnly", "StreamSink", "presented_certificate", "probe",
    "ImportMark", "LossReason", "Probed", "StreamSource", "StreamState", "StreamStatus", "Transport",
]  # fmt: skip
