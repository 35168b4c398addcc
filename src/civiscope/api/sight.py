""" "See as": what somebody may do, where and for which purposes at this moment. Nothing is done as them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from civiscope.api.people_answers import grants_in_force, principal_answer
from civiscope.base import ChannelId
from civiscope.devices import Camera
from civiscope.privacy import Function, Permit, Purpose, permit_for
from civiscope.security import Permission, Principal, permissions_of

PAGES: tuple[tuple[str, Permission], ...] = (
    ("live", Permission.VIDEO_LIVE),
    ("playback", Permission.VIDEO_PLAYBACK),
    ("alarms", Permission.ALARM_HANDLE),
    ("rules", Permission.RULE_READ),
    ("devices", Permission.CHANNEL_LIST),
    ("people", Permission.USER_READ),
    ("audit", Permission.AUDIT_READ),
    ("health", Permission.SYSTEM_READ),
    ("settings", Permission.SYSTEM_READ),
)
"""Which page of the product is of use with which permission."""


@dataclass(frozen=True, slots=True)
class Register:
    """The register of purposes at one moment."""

    purposes: Sequence[Purpose]
    permits: Sequence[Permit]
    now_us: int

    def functions(
        self, principal: Principal, channel: ChannelId, held: Iterable[Permission]
    ) -> dict[str, list[str]]:
        """What a look would be permitted for, by purpose: permission and permit together."""
        found: dict[str, list[str]] = {}
        for purpose in self.purposes:
            permits = [permit for permit in self.permits if permit.purpose_id == purpose.id]
            allowed = [
                function.value
                for function in Function
                if function in purpose.functions
                and Permission(f"video.{function.value}") in held
                and permit_for(permits, principal, function, channel, self.now_us) is not None
            ]
            if allowed:
                found[purpose.id] = allowed
        return found


def sight_answer(principal: Principal, cameras: Sequence[Camera], register: Register) -> dict[str, object]:
    """The answer of `GET /users/{user_id}/sight`: only the channels of which they would know."""
    anywhere = permissions_of(principal)
    channels: list[dict[str, object]] = []
    for camera in cameras:
        held = permissions_of(principal, camera.channel_id)
        if any(permission in held for permission in _OF_CHANNELS):
            channels.append(
                {
                    "id": str(camera.channel_id),
                    "name": camera.name,
                    "permissions": [one.value for one in held if one in _OF_CHANNELS],
                    "functions_by_purpose": register.functions(principal, camera.channel_id, held),
                }
            )
    return {
        "principal": principal_answer(principal) | {"grants": grants_in_force(principal)},
        "permissions": [permission.value for permission in anywhere],
        "channels": channels,
        "pages": [page for page, permission in PAGES if permission in anywhere],
    }


_OF_CHANNELS = frozenset(
    {
        Permission.CHANNEL_LIST,
        Permission.CAMERA_EDIT,
        Permission.CAMERA_REMOVE,
        Permission.CAMERA_STEER,
        Permission.VIDEO_LIVE,
        Permission.VIDEO_PLAYBACK,
        Permission.VIDEO_EXPORT,
        Permission.EVENT_READ,
        Permission.ALARM_HANDLE,
        Permission.EVIDENCE_HOLD,
    }
)
