"""Actions as plug-ins by entry point, loaded only when the allow-list names them; broken ones say why."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

from pydantic import BaseModel, ValidationError

from civiscope.base import AppError, PluginShelf, PluginSort
from civiscope.rules.model import ActionOrder, RuleError
from civiscope.rules.plugin import ACTION_ENTRY_POINTS, LONGEST_DEADLINE_S, ActionPlugin

OUR_ACTIONS = ("raise_alarm", "notify", "bookmark", "hold", "record")
SETTINGS_LIMIT_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """An action as the page shows it; `state` is `loaded`, `not_allowed` or `broken`."""

    name: str
    title: str
    state: str
    why: str = ""
    settings_schema: Mapping[str, object] | None = None


class ActionShelf(PluginShelf[ActionPlugin]):
    """Every installed action by name."""

    def __init__(
        self, allowed: Sequence[str] = OUR_ACTIONS, found: Iterable[EntryPoint] | None = None
    ) -> None:
        super().__init__(_ACTIONS, allowed, found)

    def infos(self) -> tuple[ActionInfo, ...]:
        """Those of the list in its order, then the installed ones that it does not name."""
        return tuple(
            ActionInfo(one.name, one.title, one.standing, one.why, one.settings_schema or None)
            for one in self.shelved()
        )

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
            raise RuleError(_words(error)) from None

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


def _words(error: ValidationError) -> dict[str, str]:
    fields: dict[str, str] = {}
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"])[:80] or "settings"
        fields.setdefault(place, str(fault["msg"]).removeprefix("Value error, "))
    return fields


def _faults(made: Any) -> Mapping[str, bool]:
    return {"Its `act` cannot be called.": not callable(made.act)}


_ACTIONS = PluginSort(
    ActionPlugin, ACTION_ENTRY_POINTS, "action", "`actions` in [rules]", LONGEST_DEADLINE_S, _faults
)
