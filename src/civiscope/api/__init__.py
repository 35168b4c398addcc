"""The one door: check the permission, call a face, shape the answer; TLS, HTTP and WebSocket live here alone.

Facts in: none. Facts out: none.
Invariants: no call without a row in the table of calls; no changing call without same origin and CSRF token;
no stack trace, secret or user-info in an answer; pictures leave through `Looks.open` only.
"""

from civiscope.api.application import Application, create_app
from civiscope.api.audit_ports import HeadDesk, TargetState
from civiscope.api.faces import Faces, Site
from civiscope.api.ports import (
    Looks,
    OpenLook,
    ProbeAnswer,
    Prober,
    Streams,
    StreamState,
    System,
    Timelines,
    TrackState,
)
from civiscope.api.probe import CameraProber, source_of
from civiscope.api.recorder import RecorderStreams
from civiscope.api.server import HttpsServer, bind, run_loop
from civiscope.api.settings import ApiSettings
from civiscope.api.site_ports import (
    AuthorityDesk,
    AuthorityState,
    FieldError,
    PageState,
    SettingsPages,
    TownCamera,
    TownDesk,
    TownState,
)
from civiscope.api.trial import ProbedStreams

__all__ = [
    "Application", "create_app",
    "Faces", "Site",
    "Looks", "OpenLook", "ProbeAnswer", "Prober", "StreamState", "Streams",
    "System", "Timelines", "TrackState",
    "CameraProber", "ProbedStreams", "RecorderStreams", "source_of",
    "HttpsServer", "bind", "run_loop",
    "ApiSettings",
    "HeadDesk", "TargetState",
    "AuthorityDesk", "AuthorityState", "FieldError", "PageState", "SettingsPages", "TownCamera", "TownDesk",
    "TownState",
]  # fmt: skip
