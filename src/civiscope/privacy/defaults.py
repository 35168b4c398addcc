"""What a new site starts with: enough to put up cameras and watch over a place, and no more."""

from dataclasses import dataclass

from civiscope.privacy.model import Function, Purpose
from civiscope.security import Role

_STATE_YOUR_OWN = (
    "Not stated yet. The site must state its own legal basis here before it looks at people: the law, the "
    "article, the decision of the authority, and the date of the impact assessment."
)


@dataclass(frozen=True, slots=True)
class DefaultGrant:
    """A permit to make on the first run, for all channels and without an end."""

    purpose_id: str
    role: Role
    functions: frozenset[Function]


DEFAULT_PURPOSES = (
    Purpose(
        "public_safety", "Public safety in the places the cameras watch", _STATE_YOUR_OWN, frozenset(Function)
    ),
    Purpose(
        "installation",
        "Putting up, aligning and repairing cameras",
        _STATE_YOUR_OWN,
        frozenset({Function.LIVE, Function.PLAYBACK}),
    ),
)

DEFAULT_GRANTS = (
    DefaultGrant("public_safety", Role.ADMINISTRATOR, frozenset(Function)),
    DefaultGrant("public_safety", Role.OPERATOR, frozenset(Function)),
    DefaultGrant("public_safety", Role.VIEWER, frozenset({Function.LIVE})),
    DefaultGrant("installation", Role.ADMINISTRATOR, frozenset({Function.LIVE, Function.PLAYBACK})),
)
