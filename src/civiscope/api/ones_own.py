"""Of whose business a thing of a channel is: what is not one's own is answered like what is not there."""

from collections.abc import Iterable
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind
from civiscope.security import Permission, Principal, authorise_on, channels_with


def asked_channels(
    principal: Principal, permission: Permission, named: Iterable[UUID]
) -> frozenset[ChannelId] | None:
    """The named channels, each of which must be one's own; if none is named all that are (None: all)."""
    channels = frozenset(ChannelId(one) for one in named)
    for channel in channels:
        authorise_on(principal, permission, channel)
    return channels or channels_with(principal, permission)


def require_own(
    principal: Principal, permission: Permission, channel: ChannelId | None, missing: AppError
) -> None:
    """Raises `missing` for a thing of a channel that is not one's own, or of none at all.

    DENIED, as `authorise_on`, for who knows of the camera and lacks the permission there.
    """
    held = channels_with(principal, permission)
    if held is None:
        return
    if channel is None:
        raise missing
    try:
        authorise_on(principal, permission, channel)
    except AppError as error:
        raise (missing if error.kind is ErrorKind.MISSING else error) from None
