"""ONVIF: finding, asking and steering cameras by their own standard (Profiles S, T; media and media2).

Facts in: none. Facts out: none; values by the contract in `devices.driver`.
Invariants: every connection passes the gate at its IP address; redirects are not followed; what devices
answer is read with bounds; requests and passwords are never logged.
"""

from civiscope.devices.driver import Driver
from civiscope.devices.drivers.onvif.device import OnvifReach
from civiscope.devices.drivers.onvif.discovery import discover
from civiscope.devices.equipment import Ability

DRIVER = Driver(
    name="onvif",
    title="ONVIF camera",
    schemes=frozenset({"onvif", "http", "https"}),
    reach=OnvifReach(),
    abilities=frozenset(Ability),
    discover=discover,
    deadline_s=8.0,
)

__all__ = ["DRIVER"]
