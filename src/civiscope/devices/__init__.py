"""Equipment of every kind: what there is, where it answers, and which place it watched from when to when.

Facts in: none. Facts out: DeviceNotified, NotificationsDropped (a change of the plan calls `on_change`).
Invariants: ids are never made from a name or an address; user-info never stays in an address; credentials lie
sealed; no address is opened here; removing keeps the rows, so recordings keep their history.
"""

from civiscope.devices.adding import (
    Adding,
    AskedDevice,
    Caution,
    OpenedStream,
    StreamOpener,
    TriedDevice,
)
from civiscope.devices.address import CameraAddress, TypedAddress, import_start_us, parse_address
from civiscope.devices.checked import stream_address_of
from civiscope.devices.csv_rows import CsvRow, read_csv, table_of
from civiscope.devices.device_book import DeviceBook
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
from civiscope.devices.gate import ANY_PORT, METADATA_ADDRESSES, PRIVATE_NETWORKS, DeviceGate, GateRules
from civiscope.devices.groups import Groups, group_named, path_of
from civiscope.devices.host import DriverHost
from civiscope.devices.model import (
    KEEP,
    KEEP_LIMIT_HOURS,
    Binding,
    Camera,
    CameraDraft,
    ChannelChange,
    ChannelDraft,
    Device,
    DeviceChange,
    DeviceCheck,
    DeviceDraft,
    Group,
    GroupId,
    Keep,
    KnownInput,
    Stream,
    StreamAddress,
    Transport,
)
from civiscope.devices.plugins import PlugIns
from civiscope.devices.recording_policy import (
    ALWAYS,
    POST_LIMIT_S,
    ROLL_LIMIT_S,
    RecordingPolicy,
    RecordMode,
    policy_of,
    policy_value,
)
from civiscope.devices.registry import Devices, RegisterSettings
from civiscope.devices.tables import migrate_devices
from civiscope.devices.upkeep import Upkeep, may_be_checked

__all__ = [
    "Adding", "AskedDevice", "Caution", "CsvRow", "OpenedStream", "StreamOpener", "TriedDevice", "read_csv",
    "table_of",
    "CameraAddress", "TypedAddress", "import_start_us", "parse_address",
    "DRIVER_ENTRY_POINTS", "Driver", "DriverFace", "DriverInfo", "DriverPorts", "Equipment", "EventSource",
    "HostStanding", "NoSettings", "DriverHost", "PlugIns",
    "DeviceNotified", "NotificationsDropped",
    "Ability", "Described", "DesiredSettings", "DeviceAddress", "DeviceDescription", "DeviceIdentity",
    "Drift", "EncoderWish", "FoundDevice", "Notification", "OfferedInput", "OfferedStream", "PtzMove",
    "PtzPreset", "PtzStatus", "Trouble", "TroubleError", "TroubleReport",
    "ANY_PORT", "METADATA_ADDRESSES", "PRIVATE_NETWORKS", "DeviceGate", "GateRules",
    "Binding", "Camera", "CameraDraft", "ChannelChange", "ChannelDraft", "Device", "DeviceBook",
    "DeviceChange", "DeviceCheck", "DeviceDraft", "Group", "GroupId", "Groups", "KEEP",
    "KEEP_LIMIT_HOURS", "Keep", "KnownInput",
    "Stream", "StreamAddress", "Transport", "group_named", "path_of",
    "ALWAYS", "POST_LIMIT_S", "ROLL_LIMIT_S", "RecordMode", "RecordingPolicy", "policy_of", "policy_value",
    "Devices", "RegisterSettings", "stream_address_of",
    "Upkeep", "may_be_checked", "migrate_devices",
]  # fmt: skip
