"""Analytics as plug-ins: found by entry point, loaded only when the allow-list names them, and when
needed."""

import json
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel, ValidationError

from civiscope.analytics.plugin import ANALYTIC_ENTRY_POINTS, AiUseClass, AnalyticPlugin, DetectorNeeds
from civiscope.base import AppError, ErrorKind, get_log

SHIPPED_ANALYTICS = ("zone", "line")
LONGEST_DEADLINE_S = 2.0
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}")
_WORDS_LIMIT = 300
_log = get_log("civiscope.analytics.plugin_shelf")


@dataclass(frozen=True, slots=True)
class AnalyticInfo:
    """One analytic of the shelf, as pages show it."""

    name: str
    title: str
    infers: str
    ai_class: str
    kinds: tuple[str, ...]
    classes: tuple[str, ...]
    min_height_px: int
    state: str
    """`loaded`, `broken`, `not_allowed`."""
    why: str
    settings_schema: str
    """JSON schema, as text."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What became of loading one."""

    plugin: AnalyticPlugin | None
    schema: str = "{}"
    why: str = ""


class PluginShelf:
    """Every installed analytic by name. May be asked from any thread; `load` and `infos` block while
    importing.

    An analytic that does not load breaks nothing but itself, and is tried once per process.
    """

    def __init__(
        self, allowed: Sequence[str] = SHIPPED_ANALYTICS, found: Iterable[EntryPoint] | None = None
    ) -> None:
        self._allowed = tuple(dict.fromkeys(allowed))
        self._found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=ANALYTIC_ENTRY_POINTS) if found is None else found:
            self._found.setdefault(point.name, []).append(point)
        self._loaded: dict[str, _Loaded] = {}
        self._lock = threading.Lock()

    def load(self, name: str) -> AnalyticPlugin:
        """The plug-in; MISSING: there is none of that name, DENIED: not on the list, UNAVAILABLE: broken."""
        if name not in self._allowed:
            if name in self._found:
                raise AppError(
                    ErrorKind.DENIED,
                    f"The analytic {name} is installed and not allowed. Add it to `plugins` in [analytics] "
                    f"of "
                    "civiscope.toml and start again.",
                )
            raise AppError(
                ErrorKind.MISSING, f"There is no analytic '{name[:32]}'. See Health for those there."
            )
        loaded = self._load(name)
        if loaded.plugin is None:
            raise AppError(ErrorKind.UNAVAILABLE, f"The analytic {name} is broken: {loaded.why}")
        return loaded.plugin

    def settings(self, name: str, settings_json: str) -> BaseModel:
        """The settings of an analytic from JSON text. INVALID names each fault by its field, in words."""
        plugin = self.load(name)
        try:
            return plugin.settings.model_validate_json(settings_json)
        except ValidationError as error:
            raise AppError(ErrorKind.INVALID, f"Settings of {plugin.title}: {_faults(error)}") from error

    def infos(self) -> tuple[AnalyticInfo, ...]:
        """Those of the list in its order, then the installed ones that it does not name."""
        others = sorted(self._found.keys() - set(self._allowed))
        return (*map(self._info, self._allowed), *map(_not_allowed, others))

    def _info(self, name: str) -> AnalyticInfo:
        loaded = self._load(name)
        plugin = loaded.plugin
        if plugin is None:
            return AnalyticInfo(name, name, "", "", (), (), 0, "broken", loaded.why, "{}")
        classes = tuple(sorted(one.value for one in plugin.needs.classes))
        return AnalyticInfo(
            name, plugin.title, plugin.infers, plugin.ai_class.value, plugin.kinds, classes,
            plugin.needs.min_height_px, "loaded", "", loaded.schema,
        )  # fmt: skip

    def _load(self, name: str) -> _Loaded:
        with self._lock:
            loaded = self._loaded.get(name)
            if loaded is None:
                loaded = self._loaded[name] = _load(name, self._found.get(name, []))
                if loaded.plugin is None:
                    _log.error("an analytic does not load", analytic=name, why=loaded.why)
            return loaded


def _faults(error: ValidationError) -> str:
    """Field by field, one sentence each."""
    told = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False)[:8]:
        field = ".".join(map(str, fault["loc"])) or "all"
        told.append(f"{field}: {fault['msg'].removeprefix('Value error, ').rstrip('.')}.")
    return " ".join(told)


def _not_allowed(name: str) -> AnalyticInfo:
    why = "It is installed; `plugins` in [analytics] of civiscope.toml does not name it."
    return AnalyticInfo(name[:32], name[:32], "", "", (), (), 0, "not_allowed", why, "{}")


def _load(name: str, points: list[EntryPoint]) -> _Loaded:
    if not points:
        return _Loaded(None, why="It is not installed. Install its package, or take it off the list.")
    if len(points) > 1:
        makers = ", ".join(sorted(point.dist.name if point.dist else "?" for point in points))
        return _Loaded(None, why=f"Several packages offer it ({makers}). Remove all but one.")
    try:
        plugin = points[0].load()
        why = _fault(name, plugin)
        if why:
            return _Loaded(None, why=why)
        return _Loaded(plugin, json.dumps(plugin.settings.model_json_schema()))
    except (Exception, SystemExit) as error:  # plugin load: whatever a stranger's module does while imported
        return _Loaded(None, why=f"{type(error).__name__}: {error}"[:_WORDS_LIMIT])


def _fault(name: str, value: Any) -> str:
    """What is wrong with the value that an entry point names (a stranger's: of any type); empty: nothing."""
    if not isinstance(value, AnalyticPlugin):
        return f"Its entry point names a {type(value).__name__}, not an AnalyticPlugin."
    made: Any = value
    settings = made.settings
    faults = {
        "It calls itself otherwise than its entry point, or not in small letters.": made.name != name
        or not _NAME.fullmatch(name),
        "It does not say what it is called, or what it infers about people.": not made.title
        or not made.infers,
        "It declares no class of AI use.": not isinstance(made.ai_class, AiUseClass),
        "It names no kinds of observation, or one that is not like `zone.entered`.": not made.kinds
        or not all(isinstance(kind, str) and _KIND.fullmatch(kind) for kind in made.kinds),
        "It does not say what it needs.": not isinstance(made.needs, DetectorNeeds),
        "Its `make` cannot be called.": not callable(made.make),
        f"Its deadline is not within {LONGEST_DEADLINE_S:g} s.": not 0
        < made.deadline_s
        <= LONGEST_DEADLINE_S,
        "Its settings are no pydantic model.": not isinstance(settings, type)
        or not issubclass(settings, BaseModel),
    }
    return next((words for words, is_so in faults.items() if is_so), "")
