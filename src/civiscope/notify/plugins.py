"""Notifiers as plug-ins: found by entry point, loaded when needed and the allow-list names them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any

from civiscope.base import PluginShelf, PluginSort
from civiscope.notify.plugin import LONGEST_DEADLINE_S, NOTIFIER_ENTRY_POINTS, NotifierPlugin

BUILT_IN = ("webhook", "mail", "mqtt")


@dataclass(frozen=True, slots=True)
class NotifierInfo:
    """One notifier as a page shows it: `loaded`, `broken` or `not_allowed`, and why."""

    name: str
    title: str
    state: str
    why: str = ""
    settings_schema: Mapping[str, object] = field(default_factory=dict)


class NotifierPlugins(PluginShelf[NotifierPlugin]):
    """Every installed notifier by name."""

    def __init__(self, allowed: Sequence[str] = BUILT_IN, found: Iterable[EntryPoint] | None = None) -> None:
        super().__init__(_NOTIFIERS, allowed, found)

    def infos(self) -> tuple[NotifierInfo, ...]:
        """Those of the list in its order, then the installed ones that it does not name."""
        return tuple(
            NotifierInfo(one.name, one.title, one.standing, one.why, one.settings_schema)
            for one in self.shelved()
        )


def _faults(made: Any) -> Mapping[str, bool]:
    fields: Mapping[str, Any] = made.settings.model_fields
    secret = made.secret_fields & fields.keys()
    return {
        "Its secret or peer fields are not all fields of its settings.": not made.secret_fields
        | made.peer_fields
        <= fields.keys(),
        "A secret field is needed, or has no default of None: it could not be left as it is.": any(
            fields[one].get_default() is not None for one in secret
        ),
        "Its `make` cannot be called.": not callable(made.make),
    }


_NOTIFIERS = PluginSort(
    NotifierPlugin, NOTIFIER_ENTRY_POINTS, "notifier", "`notifiers` in [notify]", LONGEST_DEADLINE_S, _faults
)
