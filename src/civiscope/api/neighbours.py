"""The cameras beside one: where somebody may have come from, or gone to."""

import math
from collections.abc import Collection, Sequence

from civiscope.base import ChannelId
from civiscope.devices import Camera

NEIGHBOURS_MOST = 8
_FAR_M = 1_000.0
_DEGREE_M = 111_320.0


def neighbours_of(
    channel_id: ChannelId, cameras: Sequence[Camera], seen: Collection[ChannelId] | None
) -> list[ChannelId]:
    """The nearest within a kilometre where both places are known, then those of its group; at most eight.

    Only of `seen` (None: all).
    """
    here = next((camera for camera in cameras if camera.channel_id == channel_id), None)
    if here is None:
        return []
    others = [
        camera
        for camera in cameras
        if camera.channel_id != channel_id and (seen is None or camera.channel_id in seen)
    ]
    near = [(distance, one) for one in others if (distance := _distance_m(here, one)) <= _FAR_M]
    found = [one.channel_id for _, one in sorted(near, key=lambda pair: pair[0])]
    found += [one.channel_id for one in others if here.group_id is not None and one.group_id == here.group_id]
    return list(dict.fromkeys(found))[:NEIGHBOURS_MOST]


def _distance_m(here: Camera, there: Camera) -> float:
    """On the plane that touches the earth here; infinite where a place is not known."""
    if None in {here.latitude, here.longitude, there.latitude, there.longitude}:
        return math.inf
    assert here.latitude is not None
    assert here.longitude is not None
    assert there.latitude is not None
    assert there.longitude is not None
    north = (there.latitude - here.latitude) * _DEGREE_M
    east = (there.longitude - here.longitude) * _DEGREE_M * math.cos(math.radians(here.latitude))
    return math.hypot(north, east)
