"""The recorder's status in the words of the page."""

from collections.abc import Sequence

from civiscope.api.ports import StreamState, TrackState
from civiscope.ingest import StreamState as IntakeState
from civiscope.ingest import StreamStatus
from civiscope.media import TrackConfig, TrackKind
from civiscope.media.mp4 import mse_type
from civiscope.recording import RecorderFace

_WORDS = {
    IntakeState.RUNNING: "recording",
    IntakeState.CONNECTING: "connecting",
    IntakeState.WAITING: "lost",
    IntakeState.FINISHED: "stopped",
}


class RecorderStreams:
    """The `Streams` port on the recorder's face."""

    def __init__(self, recorder: RecorderFace) -> None:
        self._recorder = recorder

    async def states(self) -> Sequence[StreamState]:
        """All streams of the recorder's plan; UNAVAILABLE or TIMEOUT while it is away."""
        return [_state(status) for status in (await self._recorder.status()).streams]


def _state(status: StreamStatus) -> StreamState:
    is_lost = status.state is not IntakeState.RUNNING
    return StreamState(
        stream_id=status.stream_id,
        state=_WORDS[status.state],
        since_us=status.since_us,
        reason=status.last_reason.value if is_lost and status.last_reason else "",
        detail=status.last_detail if is_lost else "",
        last_unit_us=status.last_unit_us,
        fps=status.frame_rate_fps,
        bitrate_bps=round(status.bitrate_bps),
        mse_type=mse_type(status.tracks) if status.tracks else None,
        tracks=tuple(_track(track) for track in status.tracks),
    )


def _track(track: TrackConfig) -> TrackState:
    is_video = track.kind is TrackKind.VIDEO
    return TrackState(track.codec.value, is_video, track.width_px, track.height_px)
