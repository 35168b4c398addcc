"""The contract of an action: a plug-in that does one thing when a rule fires."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from civiscope.base import AppError, ErrorKind
from civiscope.events import Event
from civiscope.rules.model import FiringId, Rule
from civiscope.rules.ports import ActionPorts

ACTION_ENTRY_POINTS = "civiscope.actions.v1"
"""The entry point group by which actions, ours too, are found; each names one `ActionPlugin` value."""
LONGEST_DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class Fired:
    """What an action is told: the rule, the event, and when it was fulfilled."""

    id: FiringId
    rule: Rule
    event: Event
    at_us: int


@dataclass(frozen=True, slots=True)
class ActionPlugin:
    """One kind of action: one frozen value, named by an entry point.

    `act` is called at least once per firing and must do its thing once: it knows the firing by its id. It
    returns a few words for the record. An AppError that says try again (unavailable, exhausted, timeout) is
    tried again, also an error of its own; all others are final.
    """

    name: str
    """Small letters; stored in rules."""
    title: str
    settings: type[BaseModel]
    """Its JSON schema is the form in the page."""
    act: Callable[[Fired, Any, ActionPorts], Awaitable[str]]
    """With a value of `settings`."""
    deadline_s: float = 5.0


def no_room(words: str) -> AppError:
    """The room that the action commands is not there."""
    return AppError(ErrorKind.UNAVAILABLE, f"This installation cannot {words}.")
