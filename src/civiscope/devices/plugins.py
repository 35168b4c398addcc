"""Drivers as plug-ins: found by entry point, loaded only when the allow-list names them, and when needed."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint
from typing import Any

from civiscope.base import PluginShelf, PluginSort, ShelvedPlugin
from civiscope.devices.driver import DRIVER_ENTRY_POINTS, Driver, DriverInfo

LONGEST_DEADLINE_S = 8.0
"""The server's call over the bus ends after 10 s."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,31}")


class PlugIns(PluginShelf[Driver]):
    """Every installed driver by name; the first of the allow-list that takes an address is asked."""

    def __init__(self, allowed: Sequence[str], found: Iterable[EntryPoint] | None = None) -> None:
        super().__init__(_DRIVERS, allowed, found)

    def infos(self) -> tuple[DriverInfo, ...]:
        """Those of the list in its order, then the installed ones that it does not name."""
        return tuple(map(_info, self.shelved()))


def _info(shelved: ShelvedPlugin[Driver]) -> DriverInfo:
    driver, name = shelved.plugin, shelved.name
    if driver is None:
        return DriverInfo(name, name, (), (), shelved.standing, shelved.why)
    abilities = tuple(sorted(driver.abilities))
    schemes = tuple(sorted(driver.schemes))
    schema = json.dumps(shelved.settings_schema)
    return DriverInfo(name, driver.title, schemes, abilities, shelved.standing, "", schema)


def _faults(made: Any) -> Mapping[str, bool]:
    return {
        "It names no scheme of addresses, or one that is none.": not made.schemes
        or not all(_SCHEME.fullmatch(scheme) for scheme in made.schemes),
        "Its `reach` or `discover` cannot be called.": not callable(made.reach)
        or not (made.discover is None or callable(made.discover)),
    }


_DRIVERS = PluginSort(
    Driver, DRIVER_ENTRY_POINTS, "driver", "`drivers` in [devices]", LONGEST_DEADLINE_S, _faults
)
