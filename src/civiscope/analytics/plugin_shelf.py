"""Analytics as plug-ins: found by entry point, loaded only when the allow-list names them, and when
needed."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

from pydantic import BaseModel, ValidationError

from civiscope.analytics.plugin import ANALYTIC_ENTRY_POINTS, AiUseClass, AnalyticPlugin, DetectorNeeds
from civiscope.base import AppError, ErrorKind, PluginSort, ShelvedPlugin
from civiscope.base import PluginShelf as BaseShelf

SHIPPED_ANALYTICS = ("zone", "line")
LONGEST_DEADLINE_S = 2.0
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}")


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


class PluginShelf(BaseShelf[AnalyticPlugin]):
    """Every installed analytic by name."""

    def __init__(
        self, allowed: Sequence[str] = SHIPPED_ANALYTICS, found: Iterable[EntryPoint] | None = None
    ) -> None:
        super().__init__(_ANALYTICS, allowed, found)

    def settings(self, name: str, settings_json: str) -> BaseModel:
        """The settings of an analytic from JSON text. INVALID names each fault by its field, in words."""
        plugin = self.load(name)
        try:
            return plugin.settings.model_validate_json(settings_json)
        except ValidationError as error:
            raise AppError(ErrorKind.INVALID, f"Settings of {plugin.title}: {_words(error)}") from error

    def infos(self) -> tuple[AnalyticInfo, ...]:
        """Those of the list in its order, then the installed ones that it does not name."""
        return tuple(map(_info, self.shelved()))


def _info(shelved: ShelvedPlugin[AnalyticPlugin]) -> AnalyticInfo:
    plugin, name = shelved.plugin, shelved.name
    if plugin is None:
        return AnalyticInfo(name, name, "", "", (), (), 0, shelved.standing, shelved.why, "{}")
    classes = tuple(sorted(one.value for one in plugin.needs.classes))
    return AnalyticInfo(
        name, plugin.title, plugin.infers, plugin.ai_class.value, plugin.kinds, classes,
        plugin.needs.min_height_px, shelved.standing, "", json.dumps(shelved.settings_schema),
    )  # fmt: skip


def _words(error: ValidationError) -> str:
    """Field by field, one sentence each."""
    told = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False)[:8]:
        field = ".".join(map(str, fault["loc"])) or "all"
        told.append(f"{field}: {fault['msg'].removeprefix('Value error, ').rstrip('.')}.")
    return " ".join(told)


def _faults(made: Any) -> Mapping[str, bool]:
    return {
        "It does not say what it is called, or what it infers about people.": not made.title
        or not made.infers,
        "It declares no class of AI use.": not isinstance(made.ai_class, AiUseClass),
        "It names no kinds of observation, or one that is not like `zone.entered`.": not made.kinds
        or not all(isinstance(kind, str) and _KIND.fullmatch(kind) for kind in made.kinds),
        "It does not say what it needs.": not isinstance(made.needs, DetectorNeeds),
        "Its `make` cannot be called.": not callable(made.make),
    }


_ANALYTICS = PluginSort(
    AnalyticPlugin, ANALYTIC_ENTRY_POINTS, "analytic", "`plugins` in [analytics]", LONGEST_DEADLINE_S, _faults
)
