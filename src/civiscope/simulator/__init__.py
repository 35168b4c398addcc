"""A city made of nothing: files and drawn streets as RTSP cameras on real sockets, with faults on demand.

Facts in: none. Facts out: none.
Invariants: nothing is re-encoded while serving; media clocks run on over the loop's seam.
"""

from civiscope.simulator.camera import Burst, SimulatedCamera
from civiscope.simulator.faults import FAULTLESS, Faults, SdpLie
from civiscope.simulator.footage import Footage
from civiscope.simulator.mjpeg import (
    PictureCamera,
    PictureFaults,
    PictureOptions,
    PictureServer,
    serving_pictures,
)
from civiscope.simulator.onvif.device import DeviceTraits, SimulatedDevice
from civiscope.simulator.onvif.encoding import Encoding
from civiscope.simulator.onvif.faults import BodyFault, EncoderFault, OnvifFaults
from civiscope.simulator.onvif.login import DeviceUser, UserLevel
from civiscope.simulator.onvif.replay import OnvifReplay
from civiscope.simulator.onvif.server import OnvifServer
from civiscope.simulator.onvif.serving import DeviceOrders, discovery_interfaces, serve_devices
from civiscope.simulator.replay import ReplayPeer, as_description
from civiscope.simulator.server import (
    RtspServer,
    ServerOptions,
    mount_names,
    serve_files,
    server_tls,
    serving,
)
from civiscope.simulator.street import TOWN, StreetPlan, prepare_town

__all__ = [
    "FAULTLESS", "Burst", "Faults", "Footage", "RtspServer", "SdpLie", "ServerOptions", "SimulatedCamera",
    "ReplayPeer", "as_description",
    "PictureCamera", "PictureFaults", "PictureOptions", "PictureServer", "serving_pictures",
    "mount_names", "serve_files", "server_tls", "serving",
    "TOWN", "StreetPlan", "prepare_town",
    "DeviceOrders", "discovery_interfaces", "serve_devices",
    "BodyFault", "DeviceTraits", "DeviceUser", "EncoderFault", "Encoding", "OnvifFaults", "OnvifReplay",
    "OnvifServer", "SimulatedDevice", "UserLevel",
]  # fmt: skip
