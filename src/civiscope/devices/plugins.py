"""Drivers as plug-ins: found by entry point, loaded only when the allow-list names them, and when needed."""

import json
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from civiscope.base import AppError, ErrorKind, get_log
from civiscope.devices.driver import DRIVER_ENTRY_POINTS, Driver, DriverInfo

LONGEST_DEADLINE_S = 8.0
"""The server's call over the bus ends after 10 s."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,31}")
_WORDS_LIMIT = 300
_log = get_log("civiscope.devices.plugins")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What became of loading one."""

    driver: Driver | None
    schema: str = "{}"
    why: str = ""


class PlugIns:
    """Every installed driver by name. May be asked from any thread; `load` and `infos` block while importing.

    A driver that does not load breaks nothing but itself, and is tried once per process.
    """

    def __init__(self, allowed: Sequence[str], found: Iterable[EntryPoint] | None = None) -> None:
        self._allowed = tuple(dict.fromkeys(allowed))
        self._found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=DRIVER_ENTRY_POINTS) if found is None else found:
            self._found.setdefault(point.name, []).append(point)
        self._loaded: dict[str, _Loaded] = {}
        self._lock = threading.Lock()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The allow-list, in its order: the first driver that takes an address is asked."""
        return self._allowed

    def load(self, name: str) -> Driver:
        """The driver; MISSING: there is none of that name, DENIED: not on the list, UNAVAILABLE: broken."""
        if name not in self._allowed:
            if name in self._found:
                raise AppError(
                    ErrorKind.DENIED,
                    f"The driver {name} is installed and not allowed. Add it to `drivers` in [devices] of "
                    "civiscope.toml and start again.",
                )
            raise AppError(ErrorKind.MISSING, "There is no driver of that name. See Health for those there.")
        loaded = self._load(name)
        if loaded.driver is None:
            raise AppError(ErrorKind.UNAVAILABLE, f"The driver {name} is broken: {loaded.why}")
        return loaded.driver

    def infos(self) -> tuple[DriverInfo, ...]:
        """Those of the list in its order, then the installed ones that it does not name."""
        others = sorted(self._found.keys() - set(self._allowed))
        return (*map(self._info, self._allowed), *map(_not_allowed, others))

    def _info(self, name: str) -> DriverInfo:
        loaded = self._load(name)
        driver = loaded.driver
        if driver is None:
            return DriverInfo(name, name, (), (), "broken", loaded.why)
        abilities = tuple(sorted(driver.abilities))
        schemes = tuple(sorted(driver.schemes))
        return DriverInfo(name, driver.title, schemes, abilities, "loaded", "", loaded.schema)

    def _load(self, name: str) -> _Loaded:
        with self._lock:
            loaded = self._loaded.get(name)
            if loaded is None:
                loaded = self._loaded[name] = _load(name, self._found.get(name, []))
                if loaded.driver is None:
                    _log.error("a driver does not load", driver=name, why=loaded.why)
            return loaded


def _not_allowed(name: str) -> DriverInfo:
    why = "It is installed; `drivers` in [devices] of civiscope.toml does not name it."
    return DriverInfo(name[:32], name[:32], (), (), "not_allowed", why)


def _load(name: str, points: list[EntryPoint]) -> _Loaded:
    if not points:
        return _Loaded(None, why="It is not installed. Install its package, or take it off the list.")
    if len(points) > 1:
        makers = ", ".join(sorted(point.dist.name if point.dist else "?" for point in points))
        return _Loaded(None, why=f"Several packages offer it ({makers}). Remove all but one.")
    try:
        driver = points[0].load()
        why = _fault(name, driver)
        if why:
            return _Loaded(None, why=why)
        return _Loaded(driver, json.dumps(driver.settings.model_json_schema()))
    except (Exception, SystemExit) as error:  # plugin load: whatever a stranger's module does while imported
        return _Loaded(None, why=f"{type(error).__name__}: {error}"[:_WORDS_LIMIT])


def _fault(name: str, value: Any) -> str:
    """What is wrong with the value that an entry point names (a stranger's: of any type); empty: nothing."""
    if not isinstance(value, Driver):
        return f"Its entry point names a {type(value).__name__}, not a Driver."
    made: Any = value
    settings = made.settings
    faults = {
        "It calls itself otherwise than its entry point, or not in small letters.": made.name != name
        or not _NAME.fullmatch(name),
        "It names no scheme of addresses, or one that is none.": not made.schemes
        or not all(_SCHEME.fullmatch(scheme) for scheme in made.schemes),
        "Its `reach` or `discover` cannot be called.": not callable(made.reach)
        or not (made.discover is None or callable(made.discover)),
        f"Its deadline is not within {LONGEST_DEADLINE_S:g} s.": not 0
        < made.deadline_s
        <= LONGEST_DEADLINE_S,
        "Its settings are no pydantic model.": not isinstance(settings, type)
        or not issubclass(settings, BaseModel),
    }
    return next((words for words, is_so in faults.items() if is_so), "")
