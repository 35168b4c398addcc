"""The contract test of drivers, as it ships for authors of plug-ins; inherited by each driver's own test."""

from civiscope.devices.contract import CANARY, OPEN, SHUT, DriverContract

__all__ = ["CANARY", "OPEN", "SHUT", "DriverContract"]
