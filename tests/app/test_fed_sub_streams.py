"""A second stream stands in only while the recorder takes it in, as H.264."""

from dataclasses import dataclass

import pytest

from civiscope.app.fed_sub_streams import FedSubStreams
from civiscope.base import AppError, ChannelId, DeviceId, ErrorKind, StreamId, new_id
from civiscope.devices import Camera, Stream
from civiscope.devices import Transport as Ways
from civiscope.ingest import StreamState, StreamStatus, Transport
from civiscope.media import Codec, TrackConfig
from civiscope.recording import RecorderStatus

MAIN, SUB = StreamId(new_id()), StreamId(new_id())
CHANNEL = ChannelId(new_id())
STREAMS = (
    Stream(MAIN, "main", "rtsp://192.0.2.1/main", Ways.AUTO, True),
    Stream(SUB, "sub", "rtsp://192.0.2.1/sub", Ways.AUTO, False),
)


@dataclass
class Site:
    """What the register and the recorder say."""

    streams: tuple[Stream, ...] = STREAMS
    status_of: RecorderStatus | None = None

    async def camera(self, channel_id: ChannelId) -> Camera:
        if channel_id != CHANNEL:
            raise AppError(ErrorKind.MISSING, "There is no such camera.")
        return Camera(CHANNEL, DeviceId(new_id()), "Pier", self.streams, 0)

    async def status(self) -> RecorderStatus:
        if self.status_of is None:
            raise AppError(ErrorKind.UNAVAILABLE, "The recorder does not answer.")
        return self.status_of


def recorder(stream_id: StreamId, state: StreamState, codec: Codec) -> RecorderStatus:
    tracks = (TrackConfig(1, codec, 90_000),)
    one = StreamStatus(
        stream_id, state, 0, None, Transport.TCP, tracks, 0, 0, 0.0, 0.0, 0, 0, None, None, ""
    )  # fmt: skip
    return RecorderStatus((one,), ())


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (recorder(SUB, StreamState.RUNNING, Codec.H264), SUB),
        (recorder(SUB, StreamState.RUNNING, Codec.H265), None),
        (recorder(SUB, StreamState.WAITING, Codec.H264), None),
        (recorder(MAIN, StreamState.RUNNING, Codec.H264), None),
        (None, None),
    ],
)
async def test_it_stands_in_while_it_is_taken_in_as_h264(
    status: RecorderStatus | None, found: StreamId | None
) -> None:
    site = Site(status_of=status)
    assert await FedSubStreams(site, site).sub_stream_of(CHANNEL) == found


async def test_nothing_stands_in_for_what_has_none() -> None:
    site = Site(STREAMS[:1], recorder(SUB, StreamState.RUNNING, Codec.H264))
    assert await FedSubStreams(site, site).sub_stream_of(CHANNEL) is None
    assert await FedSubStreams(site, site).sub_stream_of(ChannelId(new_id())) is None
