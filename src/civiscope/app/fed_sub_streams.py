"""Which second streams can stand in for a main one now: named by the register, taken in by the recorder."""

from dataclasses import dataclass
from typing import Protocol

from civiscope.base import AppError, ChannelId, StreamId
from civiscope.devices import Camera
from civiscope.ingest import StreamState
from civiscope.media import Codec
from civiscope.recording import RecorderStatus


class Cameras(Protocol):
    """The register of devices."""

    async def camera(self, channel_id: ChannelId) -> Camera:
        """The channel with its streams; MISSING when there is none."""
        ...


class Status(Protocol):
    """The recorder, as the server last heard it."""

    async def status(self) -> RecorderStatus:
        """UNAVAILABLE when that is too long ago."""
        ...


@dataclass(frozen=True, slots=True)
class FedSubStreams:
    """Implements viewing's `SubStreams`."""

    cameras: Cameras
    recorder: Status

    async def sub_stream_of(self, channel_id: ChannelId) -> StreamId | None:
        """The channel's H.264 sub stream while the recorder takes it in; None also when nobody knows."""
        try:
            sub = (await self.cameras.camera(channel_id)).sub
            streams = (await self.recorder.status()).streams if sub is not None else ()
        except AppError:
            return None
        for one in streams:
            is_fed = one.state is StreamState.RUNNING and any(t.codec is Codec.H264 for t in one.tracks)
            if sub is not None and one.stream_id == sub.id and is_fed:
                return sub.id
        return None
