"""How long each stream is kept: the camera's own time, else its purpose's, else the site's."""

from collections.abc import Sequence

from civiscope.app.site import Site
from civiscope.app.site_pages import RecordingPage
from civiscope.devices import Camera
from civiscope.recording import KeepTimes, StreamTime

_HOUR_US = 3_600_000_000


async def keep_times(site: Site) -> KeepTimes:
    """Of every stream there ever was: what was recorded of a removed camera goes by its time, too."""
    cameras = [*await site.devices.cameras(), *await site.devices.cameras(removed=True)]
    return times_of(site.pages.recording, cameras)


def times_of(page: RecordingPage, cameras: Sequence[Camera]) -> KeepTimes:
    """Only what differs from the site's time is named."""
    by_purpose = page.hours_by_purpose()
    default_us = _us(page.keep_hours)
    streams: list[StreamTime] = []
    for camera in cameras:
        hours = camera.keep_hours or by_purpose.get(camera.purpose or "", page.keep_hours)
        if _us(hours) != default_us:
            streams += [StreamTime(stream.id, _us(hours)) for stream in camera.streams]
    return KeepTimes(default_us, tuple(streams))


async def longest_us(site: Site) -> int:
    """For so long something may be kept."""
    times = await keep_times(site)
    return max(times.default_us, *(one.keep_us for one in times.streams), 0)


def _us(hours: float) -> int:
    return round(hours * _HOUR_US)
