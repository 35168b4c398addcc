"""Of whose business a thing of a channel is: what is not one's own is answered like what is not there."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind
from civiscope.devices import Devices
from civiscope.security import Permission, Principal, authorise_on, channels_with

CHANNELS_AT_ONCE = 64


async def named_channels(
    devices: Devices, principal: Principal, permission: Permission, named: Iterable[UUID]
) -> list[ChannelId]:
    """Those that somebody named, each once; MISSING for what is not his, or not there. Removed ones are."""
    channels = [ChannelId(one) for one in dict.fromkeys(named)]
    for channel in channels:
        authorise_on(principal, permission, channel)
    await asyncio.gather(*(devices.camera(channel) for channel in channels))
    return channels


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
