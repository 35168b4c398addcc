"""Plug-ins of one sort: found by entry point, loaded only when the allow-list names them, and when needed."""

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from civiscope.base.errors import AppError, ErrorKind
from civiscope.base.log import get_log

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LONGEST_NAME = 32
_WORDS_LIMIT = 300
_log = get_log("civiscope.base.plugins")


class Plugin(Protocol):
    """What every sort of plug-in has: a frozen value with these, whatever else it carries."""

    @property
    def name(self) -> str:
        """Small letters; equal to the name of its entry point, and stored beside its settings."""
        ...

    @property
    def title(self) -> str:
        """For people."""
        ...

    @property
    def settings(self) -> type[BaseModel]:
        """Its JSON schema is the form in the page."""
        ...

    @property
    def deadline_s(self) -> float:
        """Every call of it ends by then, or is given up."""
        ...


P = TypeVar("P", bound=Plugin)


@dataclass(frozen=True, slots=True)
class PluginSort(Generic[P]):
    """One sort of plug-ins: where they are found, what they are called, and what makes one whole."""

    kind: type[P]
    group: str
    """Entry point group, as `civiscope.drivers.v1`."""
    noun: str
    """For people, as `driver`."""
    allow_list: str
    """Where the allow-list stands, for people, as "`drivers` in [devices]"."""
    longest_deadline_s: float
    faults: Callable[[Any], Mapping[str, bool]]
    """Words to whether they are so, of a value whose kind, name, deadline and settings are in order."""


class PluginStanding(StrEnum):
    """What became of a plug-in."""

    LOADED = "loaded"
    BROKEN = "broken"
    NOT_ALLOWED = "not_allowed"


@dataclass(frozen=True, slots=True)
class ShelvedPlugin(Generic[P]):
    """One of the shelf: what it is, or why it is not there."""

    name: str
    standing: PluginStanding
    plugin: P | None = None
    """None unless loaded."""
    why: str = ""
    settings_schema: Mapping[str, object] = field(default_factory=dict)
    """JSON schema of its settings; empty unless loaded."""

    @property
    def title(self) -> str:
        """For people: its title, or its name where it did not load."""
        return self.name if self.plugin is None else self.plugin.title


class PluginShelf(Generic[P]):
    """Every installed plug-in of a sort by name. Asked from any thread; blocks while one is imported.

    One that does not load breaks nothing but itself, and is tried once per process. Mere presence loads
    nothing.
    """

    def __init__(
        self, sort: PluginSort[P], allowed: Sequence[str], found: Iterable[EntryPoint] | None = None
    ) -> None:
        self._sort = sort
        self._allowed = tuple(dict.fromkeys(allowed))
        self._found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=sort.group) if found is None else found:
            self._found.setdefault(point.name, []).append(point)
        self._loaded: dict[str, ShelvedPlugin[P]] = {}
        self._lock = threading.Lock()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The allow-list, in its order."""
        return self._allowed

    def load(self, name: str) -> P:
        """The plug-in; MISSING: there is none of that name, DENIED: not on the list, UNAVAILABLE: broken."""
        sort, shown = self._sort, name[:_LONGEST_NAME]
        if name not in self._allowed:
            if name in self._found:
                raise AppError(
                    ErrorKind.DENIED,
                    f"The {sort.noun} {shown} is installed and not allowed. Add it to {sort.allow_list} of "
                    "civiscope.toml and start again.",
                )
            raise AppError(
                ErrorKind.MISSING, f"There is no {sort.noun} '{shown}'. Choose one of those on Health."
            )
        shelved = self._load(name)
        if shelved.plugin is None:
            raise AppError(ErrorKind.UNAVAILABLE, f"The {sort.noun} {shown} is broken: {shelved.why}")
        return shelved.plugin

    def shelved(self) -> tuple[ShelvedPlugin[P], ...]:
        """Those of the list in its order, then the installed ones that it does not name."""
        others = sorted(self._found.keys() - set(self._allowed))
        return (*map(self._load, self._allowed), *map(self._not_allowed, others))

    def _not_allowed(self, name: str) -> ShelvedPlugin[P]:
        why = f"It is installed; {self._sort.allow_list} of civiscope.toml does not name it."
        return ShelvedPlugin(name[:_LONGEST_NAME], PluginStanding.NOT_ALLOWED, why=why)

    def _load(self, name: str) -> ShelvedPlugin[P]:
        with self._lock:
            shelved = self._loaded.get(name)
            if shelved is None:
                shelved = self._loaded[name] = _load(self._sort, name, self._found.get(name, []))
                if shelved.plugin is None:
                    _log.error("a plug-in does not load", sort=self._sort.noun, plugin=name, why=shelved.why)
            return shelved


def _load(sort: PluginSort[P], name: str, points: list[EntryPoint]) -> ShelvedPlugin[P]:
    def broken(why: str) -> ShelvedPlugin[P]:
        return ShelvedPlugin(name, PluginStanding.BROKEN, why=why[:_WORDS_LIMIT])

    if not points:
        return broken("It is not installed. Install its package, or take it off the list.")
    if len(points) > 1:
        makers = ", ".join(sorted(point.dist.name if point.dist else "?" for point in points))
        return broken(f"Several packages offer it ({makers}). Remove all but one.")
    try:
        plugin = points[0].load()
        why = _fault(sort, name, plugin)
        if why:
            return broken(why)
        schema = plugin.settings.model_json_schema()
        return ShelvedPlugin(name, PluginStanding.LOADED, plugin, settings_schema=schema)
    except (Exception, SystemExit) as error:  # plugin load: whatever a stranger's module does while imported
        return broken(f"{type(error).__name__}: {error}")


def _fault(sort: PluginSort[P], name: str, value: Any) -> str:
    """What is wrong with the value that an entry point names (a stranger's: of any type); empty: nothing."""
    if not isinstance(value, sort.kind):
        article = "an" if sort.kind.__name__[0] in "AEIOU" else "a"
        return f"Its entry point names a {type(value).__name__}, not {article} {sort.kind.__name__}."
    made: Any = value
    if made.name != name or not _NAME.fullmatch(name):
        return "It calls itself otherwise than its entry point, or not in small letters."
    if not isinstance(made.settings, type) or not issubclass(made.settings, BaseModel):
        return "Its settings are no pydantic model."
    if not 0 < made.deadline_s <= sort.longest_deadline_s:
        return f"Its deadline is not within {sort.longest_deadline_s:g} s."
    return next((words for words, is_so in sort.faults(made).items() if is_so), "")
