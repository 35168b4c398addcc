"""Actions as plug-ins by entry point, loaded only when the allow-list names them; broken ones say why."""

import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel, ValidationError

from civiscope.base import AppError, ErrorKind, get_log
from civiscope.rules.model import ActionOrder, RuleError
from civiscope.rules.plugin import ACTION_ENTRY_POINTS, LONGEST_DEADLINE_S, ActionPlugin

OUR_ACTIONS = ("raise_alarm", "notify", "bookmark", "hold")
SETTINGS_LIMIT_BYTES = 8 * 1024
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_WORDS_LIMIT = 300
_log = get_log("civiscope.rules")


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """An action as the page shows it; `state` is `loaded`, `not_allowed` or `broken`."""

    name: str
    title: str
    state: str
    why: str = ""
    settings_schema: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class _Loaded:
    plugin: ActionPlugin | None
    schema: Mapping[str, object] | None = None
    why: str = ""


class ActionShelf:
    """Every installed action by name. One that does not load breaks nothing but itself; tried once."""

    def __init__(
        self, allowed: Sequence[str] = OUR_ACTIONS, found: Iterable[EntryPoint] | None = None
    ) -> None:
        self._allowed = tuple(dict.fromkeys(allowed))
        self._found: dict[str, list[EntryPoint]] = {}
        for point in entry_points(group=ACTION_ENTRY_POINTS) if found is None else found:
            self._found.setdefault(point.name, []).append(point)
        self._loaded: dict[str, _Loaded] = {}
        self._lock = threading.Lock()

    def load(self, name: str) -> ActionPlugin:
        """The action; MISSING: there is none of that name, DENIED: not on the list, UNAVAILABLE: broken."""
        if name not in self._allowed and name in self._found:
            raise AppError(
                ErrorKind.DENIED,
                f"The action {name[:32]} is installed and not allowed. Add it to `actions` in [rules] of "
                "civiscope.toml and start again.",
            )
        if name not in self._allowed:
            raise AppError(ErrorKind.MISSING, "There is no action of that name. Choose one of the list.")
        loaded = self._load(name)
        if loaded.plugin is None:
            raise AppError(ErrorKind.UNAVAILABLE, f"The action {name} is broken: {loaded.why}")
        return loaded.plugin

    def infos(self) -> tuple[ActionInfo, ...]:
        """Those of the list in its order, then the installed ones that it does not name."""
        others = sorted(self._found.keys() - set(self._allowed))
        return (*map(self._info, self._allowed), *map(_not_allowed, others))

    def settings_of(self, order: ActionOrder) -> BaseModel:
        """The order's settings as its plug-in's model; `RuleError` with words per field, or as `load`."""
        plugin = self.load(order.name)
        if len(json.dumps(dict(order.settings))) > SETTINGS_LIMIT_BYTES:
            raise RuleError(
                {"settings": f"The settings of an action have at most {SETTINGS_LIMIT_BYTES} bytes."}
            )
        try:
            return plugin.settings.model_validate(dict(order.settings))
        except ValidationError as error:
            raise RuleError(_faults(error)) from None

    def check(self, orders: Sequence[ActionOrder]) -> None:
        """`RuleError` naming `actions.N.field` for each fault of any of them."""
        faults: dict[str, str] = {}
        for number, order in enumerate(orders):
            try:
                self.settings_of(order)
            except RuleError as error:
                faults |= {f"actions.{number}.{field}": words for field, words in error.fields.items()}
            except AppError as error:
                faults[f"actions.{number}"] = error.message
        if faults:
            raise RuleError(faults)

    def trouble(self, orders: Sequence[ActionOrder]) -> str:
        """Why a rule with these cannot do all it should, in words; empty: it can."""
        try:
            self.check(orders)
        except RuleError as error:
            return error.message
        return ""

    def _info(self, name: str) -> ActionInfo:
        loaded = self._load(name)
        if loaded.plugin is None:
            return ActionInfo(name, name, "broken", loaded.why)
        return ActionInfo(name, loaded.plugin.title, "loaded", "", loaded.schema)

    def _load(self, name: str) -> _Loaded:
        with self._lock:
            loaded = self._loaded.get(name)
            if loaded is None:
                loaded = self._loaded[name] = _load(name, self._found.get(name, []))
                if loaded.plugin is None:
                    _log.error("an action does not load", action=name, why=loaded.why)
            return loaded


def _not_allowed(name: str) -> ActionInfo:
    why = "It is installed; `actions` in [rules] of civiscope.toml does not name it."
    return ActionInfo(name[:32], name[:32], "not_allowed", why)


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
        return _Loaded(plugin, plugin.settings.model_json_schema())
    except (Exception, SystemExit) as error:  # plugin load: whatever a stranger's module does while imported
        return _Loaded(None, why=f"{type(error).__name__}: {error}"[:_WORDS_LIMIT])


def _fault(name: str, value: Any) -> str:
    """What is wrong with the value that an entry point names (a stranger's: of any type); empty: nothing."""
    if not isinstance(value, ActionPlugin):
        return f"Its entry point names a {type(value).__name__}, not an ActionPlugin."
    made: Any = value
    faults = {
        "It calls itself otherwise than its entry point, or not in small letters.": made.name != name
        or not _NAME.fullmatch(name),
        "Its `act` cannot be called.": not callable(made.act),
        f"Its deadline is not within {LONGEST_DEADLINE_S:g} s.": not 0
        < made.deadline_s
        <= LONGEST_DEADLINE_S,
        "Its settings are no pydantic model.": not isinstance(made.settings, type)
        or not issubclass(made.settings, BaseModel),
    }
    return next((words for words, is_so in faults.items() if is_so), "")


def _faults(error: ValidationError) -> dict[str, str]:
    fields: dict[str, str] = {}
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"])[:80] or "settings"
        fields.setdefault(place, str(fault["msg"]).removeprefix("Value error, "))
    return fields
