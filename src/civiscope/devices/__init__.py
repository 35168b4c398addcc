"""Equipment of every kind: what there is, where it answers, and which place it watched from when to when.

Facts in: none. Facts out: none yet (a change of the plan calls `on_change`).
Invariants: ids are never made from a name or an address; user-info never stays in an address; credentials lie
sealed; addresses are `rtsp://` or `rtsps://` only; removing keeps the rows, so recordings keep their history.
"""

from civiscope.devices.address import CameraAddress, TypedAddress, parse_address
from civiscope.devices.model import (
    Binding,
    Camera,
    CameraDraft,
    Stream,
    StreamAddress,
    Transport,
)
from civiscope.devices.registry import Devices, stream_address_of
from civiscope.devices.tables import migrate_devices

__all__ = [
    "CameraAddress", "TypedAddress", "parse_address",
    "Binding", "Camera", "CameraDraft", "Stream", "StreamAddress", "Transport",
    "Devices", "stream_address_of",
    "migrate_devices",
]  # fmt: skip
