"""A viewer over WebRTC without a browser: aiortc's own receiver, which decodes what comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.video.frame import VideoFrame


@dataclass
class WhepViewer:
    """One peer; its frames as they are decoded."""

    connection: RTCPeerConnection
    frames: list[VideoFrame] = field(default_factory=list)
    is_over: bool = False

    @property
    def state(self) -> str:
        return self.connection.connectionState

    @property
    def newest_rtp_timestamp(self) -> int:
        """As it stood on the wire; aiortc tells frames their distance from the first."""
        (receiver,) = self.connection.getReceivers()
        newest: int = receiver._RTCRtpReceiver__timestamp_mapper._last  # type: ignore[attr-defined]  # private
        return newest

    async def offer(self, codecs: str = "video/h264") -> str:
        """What it would like to see."""
        transceiver = self.connection.addTransceiver("video", direction="recvonly")
        capabilities = RTCRtpReceiver.getCapabilities("video")
        assert capabilities is not None
        found = capabilities.codecs
        transceiver.setCodecPreferences([one for one in found if one.mimeType.lower() == codecs])
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))

    async def take(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                self.frames.append(frame)
        except MediaStreamError:
            self.is_over = True


@asynccontextmanager
async def whep_viewer() -> AsyncIterator[WhepViewer]:
    """A viewer who hangs up at the end."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    viewer = WhepViewer(connection)
    async with asyncio.TaskGroup() as group:
        connection.add_listener("track", lambda track: group.create_task(viewer.take(track)))
        try:
            yield viewer
        finally:
            await connection.close()
