"""Equipment of every kind: what there is, where it answers, and which place it watched from when to when.

Facts in: none. Facts out: DeviceNotified, NotificationsDropped (a change of the plan calls `on_change`).
Invariants: ids are never made from a name or an address; user-info never stays in an address; credentials lie
sealed; addresses are `rtsp://` or `rtsps://` only; removing keeps the rows, so recordings keep their history.
"""

from civiscope.devices.address import CameraAddress, TypedAddress, parse_address
from civiscope.devices.driver import (
    DRIVER_ENTRY_POINTS,
    Driver,
    DriverFace,
    DriverInfo,
    DriverPorts,
    Equipment,
    EventSource,
    HostStanding,
    NoSettings,
)
from civiscope.devices.equipment import (
    Ability,
    Described,
    DesiredSettings,
    DeviceAddress,
    DeviceDescription,
    DeviceIdentity,
    Drift,
    EncoderWish,
    FoundDevice,
    Notification,
    OfferedInput,
    OfferedStream,
    PtzMove,
    PtzPreset,
    PtzStatus,
    Trouble,
    TroubleError,
    TroubleReport,
)
from civiscope.devices.facts import DeviceNotified, NotificationsDropped
from civiscope.devices.gate import ANY_PORT, PRIVATE_NETWORKS, DeviceGate, GateRules
from civiscope.devices.host import DriverHost
from civiscope.devices.model import (
    Binding,
    Camera,
    CameraDraft,
    Stream,
    StreamAddress,
    Transport,
)
from civiscope.devices.plugins import PlugIns
from civiscope.devices.registry import Devices, stream_address_of
from civiscope.devices.tables import migrate_devices

__all__ = [
    "CameraAddress", "TypedAddress", "parse_address",
    "DRIVER_ENTRY_POINTS", "Driver", "DriverFace", "DriverInfo", "DriverPorts", "Equipment", "EventSource",
    "HostStanding", "NoSettings", "DriverHost", "PlugIns",
    "DeviceNotified", "NotificationsDropped",
    "Ability", "Described", "DesiredSettings", "DeviceAddress", "DeviceDescription", "DeviceIdentity",
    "Drift", "EncoderWish", "FoundDevice", "Notification", "OfferedInput", "OfferedStream", "PtzMove",
    "PtzPreset", "PtzStatus", "Trouble", "TroubleError", "TroubleReport",
    "ANY_PORT", "PRIVATE_NETWORKS", "DeviceGate", "GateRules",
    "Binding", "Camera", "CameraDraft", "Stream", "StreamAddress", "Transport",
    "Devices", "stream_address_of",
    "migrate_devices",
]  # fmt: skip
