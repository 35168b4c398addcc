"""Notifiers as plug-ins: found by entry point, loaded when needed and the allow-list names them."""

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from civiscope.base import AppError, ErrorKind, get_log
from civiscope.notify.plugin import LONGEST_DEADLINE_S, NOTIFIER_ENTRY_POINTS, NotifierPlugin

BUILT_IN = ("webhook", "mail", "mqtt")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_WORDS_LIMIT = 300
_log = get_log("civiscope.notify.plugins")


@dataclass(frozen=True, slots=True)
class NotifierInfo:
    """One notifier as a page shows it: `loaded`, `broken` or `not_allowed`, and why."""

    name: str
    title: str
    state: str
    why: str = ""
    settings_schema: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What became of loading one."""

    plugin: NotifierPlugin | None
    schema: Mapping[str, object] = field(default_factory=dict)
    why: str = ""


class NotifierPlugins:
    """Every installed notifier by name. May be asked from any thread; blocks while importing.

    A notifier that does not load breaks nothing but itself, and is tried once per process.
    """

    def __init__(self, allowed: Sequence[str] = BUILT_IN, found: Iterable[EntryPoint] | None = None) -> None:
        self._allowed = tuple(dict.fromkeys(allowed))
        self._found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=NOTIFIER_ENTRY_POINTS) if found is None else found:
            self._found.setdefault(point.name, []).append(point)
        self._loaded: dict[str, _Loaded] = {}
        self._lock = threading.Lock()

    def load(self, name: str) -> NotifierPlugin:
        """The plug-in; MISSING: none of that name, DENIED: not on the list, UNAVAILABLE: broken."""
        if name not in self._allowed:
            if name in self._found:
                raise AppError(ErrorKind.DENIED, f"{_not_on_the_list(name)} Add it, and start again.")
            raise AppError(
                ErrorKind.MISSING, "There is no notifier of that name. Choose one from the list of notifiers."
            )
        loaded = self._load(name)
        if loaded.plugin is None:
            raise AppError(ErrorKind.UNAVAILABLE, f"The notifier {name} is broken: {loaded.why}")
        return loaded.plugin

    def infos(self) -> tuple[NotifierInfo, ...]:
        """Those of the list in its order, then the installed ones that it does not name."""
        others = sorted(self._found.keys() - set(self._allowed))
        return (
            *map(self._info, self._allowed),
            *(NotifierInfo(name[:32], name[:32], "not_allowed", _not_on_the_list(name)) for name in others),
        )

    def _info(self, name: str) -> NotifierInfo:
        loaded = self._load(name)
        if loaded.plugin is None:
            return NotifierInfo(name, name, "broken", loaded.why)
        return NotifierInfo(name, loaded.plugin.title, "loaded", "", loaded.schema)

    def _load(self, name: str) -> _Loaded:
        with self._lock:
            loaded = self._loaded.get(name)
            if loaded is None:
                loaded = self._loaded[name] = _load(name, self._found.get(name, []))
                if loaded.plugin is None:
                    _log.error("a notifier does not load", notifier=name, why=loaded.why)
            return loaded


def _not_on_the_list(name: str) -> str:
    return f"{name[:32]} is installed; `notifiers` in [notify] of civiscope.toml does not name it."


def _load(name: str, points: list[EntryPoint]) -> _Loaded:
    if not points:
        return _Loaded(None, why="It is not installed. Install its package, or take it off the list.")
    if len(points) > 1:
        makers = ", ".join(sorted(point.dist.name if point.dist else "?" for point in points))
        return _Loaded(None, why=f"Several packages offer it ({makers}). Remove all but one.")
    try:
        plugin = points[0].load()
        why = _fault(name, plugin)
        return _Loaded(None, why=why) if why else _Loaded(plugin, plugin.settings.model_json_schema())
    except (Exception, SystemExit) as error:  # plugin load: whatever a stranger's module does while imported
        return _Loaded(None, why=f"{type(error).__name__}: {error}"[:_WORDS_LIMIT])


def _fault(name: str, value: Any) -> str:
    """What is wrong with the value that an entry point names (a stranger's: of any type); empty: nothing."""
    if not isinstance(value, NotifierPlugin):
        return f"Its entry point names a {type(value).__name__}, not a NotifierPlugin."
    made: Any = value
    settings = made.settings
    if not isinstance(settings, type) or not issubclass(settings, BaseModel):
        return "Its settings are no pydantic model."
    fields = set(settings.model_fields)
    faults = {
        "It calls itself otherwise than its entry point, or not in small letters.": made.name != name
        or not _NAME.fullmatch(name),
        "Its secret or peer fields are not all fields of its settings.": not made.secret_fields
        | made.peer_fields
        <= fields,
        "A secret field is needed, or has no default of None: it could not be left as it is.": any(
            settings.model_fields[one].get_default() is not None for one in made.secret_fields & fields
        ),
        "Its `make` cannot be called.": not callable(made.make),
        f"Its deadline is not within {LONGEST_DEADLINE_S:g} s.": not 0
        < made.deadline_s
        <= LONGEST_DEADLINE_S,
    }
    return next((words for words, is_so in faults.items() if is_so), "")
