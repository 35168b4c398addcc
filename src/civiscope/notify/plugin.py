"""The contract of a notifier: a plug-in that hands one message to one foreign system, or says why not."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from civiscope.base import Clock
from civiscope.notify.model import Message

NOTIFIER_ENTRY_POINTS = "civiscope.notifiers.v1"
"""The entry point group by which notifiers, ours too, are found; each names one `NotifierPlugin` value."""
LONGEST_DEADLINE_S = 30.0

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""IP addresses of a name and port, in the order to try; raises OSError when there are none."""


@dataclass(frozen=True, slots=True)
class NotifierPorts:
    """What a notifier may use of its surroundings."""

    clock: Clock
    resolve: Resolve
    origin: str = ""
    """`https://host:port` of the site's page, before a message's path; empty while the site has no name."""


class Notifier(Protocol):
    """One target, ready to be told. Lives for one message; opens what it needs and closes it."""

    async def deliver(self, message: Message) -> None:
        """The other side has taken the message when this returns.

        AppError in words for a person, without a secret: INVALID means that this very message is never taken
        (it is not tried again), anything else that it may be later. The same message may come twice: its id
        tells. Cancellation closes everything.
        """
        ...


@dataclass(frozen=True, slots=True)
class NotifierPlugin:
    """One kind of notifier: one frozen value, named by an entry point."""

    name: str
    """Small letters; stored with each target."""
    title: str
    settings: type[BaseModel]
    """Its JSON schema is the form in the page. Secret fields are `SecretStr | None`."""
    secret_fields: frozenset[str]
    """Sealed by the vault, never shown, kept when an edit leaves them null."""
    peer_fields: frozenset[str]
    """Where it goes: when one of these changes, secrets are not kept but typed again, so that nobody can have
    a password that he does not know sent to a machine of his own."""
    make: Callable[[Any, NotifierPorts], Notifier]
    """From a value of `settings`, with its secrets. Opens nothing."""
    deadline_s: float = 10.0
    """A `deliver` that takes longer is cancelled and counts as failed."""
