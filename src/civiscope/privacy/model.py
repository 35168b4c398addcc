"""Purposes and permits as values, and the one rule that decides whether a permit allows something."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID

from civiscope.base import ChannelId, PrincipalId
from civiscope.security import Principal, Role

PermitId = NewType("PermitId", UUID)


class Function(StrEnum):
    """What is done with pictures."""

    LIVE = "live"
    PLAYBACK = "playback"
    EXPORT = "export"

    @property
    def words(self) -> str:
        """Completes "you may not …"."""
        return _WORDS[self]


_WORDS = {
    Function.LIVE: "watch live pictures",
    Function.PLAYBACK: "play back recordings",
    Function.EXPORT: "download recordings",
}


class Presentation(StrEnum):
    """How a picture is shown: as the camera gave it, or with people and plates covered."""

    RAW = "raw"
    COVERED = "covered"


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why pictures may be looked at, and what may be done for it (GDPR Art. 5 (1) b, Art. 30 (1) b)."""

    id: str
    """Short and lasting: `public_safety`."""
    title: str
    legal_basis: str
    """In the site's own words; shown to whoever chooses the purpose."""
    functions: frozenset[Function]


@dataclass(frozen=True, slots=True)
class Permit:
    """A purpose granted to a role or to one principal (exactly one of the two)."""

    id: PermitId
    purpose_id: str
    role: Role | None
    principal_id: PrincipalId | None
    channels: frozenset[ChannelId] | None
    """None means all channels, also those added later."""
    functions: frozenset[Function]
    from_us: int
    until_us: int | None
    revoked_us: int | None = None

    def is_for(self, principal: Principal, channel_id: ChannelId) -> bool:
        """True if the principal holds it for the channel, by a role that counts there; whatever the time."""
        if not self.covers(channel_id):
            return False
        if self.role is not None:
            return self.role in principal.roles_on(channel_id)
        return self._names(principal) and _is_within_token(principal, channel_id)

    def is_for_somewhere(self, principal: Principal) -> bool:
        """True if the principal holds it for any channel, whatever the time."""
        if self.role is None:
            return self._names(principal)
        if self.role in principal.roles:
            return True
        mine = (grant.channels for grant in principal.grants if grant.role is self.role)
        return any(channels if self.channels is None else channels & self.channels for channels in mine)

    def _names(self, principal: Principal) -> bool:
        return self.principal_id is not None and principal.is_or_belongs_to(self.principal_id)

    def is_in_force(self, now_us: int) -> bool:
        """True between its start and its end or revocation. A revoked permit never comes back into force."""
        return (
            self.revoked_us is None
            and self.from_us <= now_us
            and (self.until_us is None or now_us < self.until_us)
        )

    def covers(self, channel_id: ChannelId) -> bool:
        """True if the channel is among its channels."""
        return self.channels is None or channel_id in self.channels


def _is_within_token(principal: Principal, channel_id: ChannelId) -> bool:
    return principal.token_channels is None or channel_id in principal.token_channels


def permit_for(
    permits: Iterable[Permit], principal: Principal, function: Function, channel_id: ChannelId, now_us: int
) -> Permit | None:
    """The permit that allows it longest (no end before a late one), or None."""
    good = [
        permit
        for permit in permits
        if permit.is_for(principal, channel_id)
        and permit.is_in_force(now_us)
        and function in permit.functions
    ]
    return max(good, key=lambda permit: (permit.until_us is None, permit.until_us or 0), default=None)
