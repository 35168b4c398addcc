"""Which channel a device's notification is about."""

from collections import defaultdict
from collections.abc import Sequence

from civiscope.base import AppError, ChannelId, Clock, DeviceId
from civiscope.devices import Camera, Devices

_FRESH_US = 60_000_000


class DeviceChannels:
    """The channels of each device, kept until the register changes, a minute at most."""

    def __init__(self, devices: Devices, clock: Clock) -> None:
        self._devices = devices
        self._clock = clock
        self._of_device: dict[DeviceId, list[Camera]] = {}
        self._read_us: int | None = None

    def look_again(self) -> None:
        """The register has changed."""
        self._read_us = None

    async def channel_of(self, device_id: DeviceId, source: Sequence[tuple[str, str]]) -> ChannelId | None:
        """Its one channel, or of several the one whose input the source names; None: no single one."""
        cameras = (await self._channels()).get(device_id, [])
        if len(cameras) <= 1:
            return cameras[0].channel_id if cameras else None
        try:
            inputs = (await self._devices.book.one(device_id)).inputs
        except AppError:
            return None
        named = {value for _, value in source}
        meant = {known.index for known in inputs if known.token in named}
        found = [camera for camera in cameras if camera.input in meant]
        return found[0].channel_id if len(found) == 1 else None

    async def _channels(self) -> dict[DeviceId, list[Camera]]:
        now_us = self._clock.monotonic_us()
        if self._read_us is None or now_us - self._read_us > _FRESH_US:
            self._read_us = now_us
            found: dict[DeviceId, list[Camera]] = defaultdict(list)
            for camera in await self._devices.cameras():
                found[camera.device_id].append(camera)
            self._of_device = dict(found)
        return self._of_device
