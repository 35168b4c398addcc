"""Channels as a page shows them: what `devices` knows joined with what the recorder sees."""

from civiscope.api.ports import Streams, StreamState
from civiscope.base import AppError, StreamId
from civiscope.devices import Camera, Devices, Stream
from civiscope.security import Permission, Principal, channels_with


class ChannelBook:
    """Answers `GET /channels`; while the recorder is away every channel says so."""

    def __init__(self, devices: Devices, streams: Streams) -> None:
        self._devices = devices
        self._streams = streams

    async def all(self, principal: Principal, *, removed: bool) -> list[dict[str, object]]:
        """The cameras the principal may know of, those not removed or those that were, in order of adding."""
        seen = channels_with(principal, Permission.CHANNEL_LIST)
        cameras = [
            camera
            for camera in await self._devices.cameras(removed=removed)
            if seen is None or camera.channel_id in seen
        ]
        states, why_away = await self._states()
        return [_channel(camera, states.get(camera.main.id), why_away) for camera in cameras]

    async def one(self, camera: Camera) -> dict[str, object]:
        """One camera in the same shape."""
        states, why_away = await self._states()
        return _channel(camera, states.get(camera.main.id), why_away)

    async def _states(self) -> tuple[dict[StreamId, StreamState], str | None]:
        try:
            return {state.stream_id: state for state in await self._streams.states()}, None
        except AppError as error:
            return {}, error.message


def _channel(camera: Camera, state: StreamState | None, why_away: str | None) -> dict[str, object]:
    if state is None:
        state = _unseen(camera, why_away)
    return {
        "id": str(camera.channel_id),
        "name": camera.name,
        "device_id": str(camera.device_id),
        "address": camera.main.address,
        "streams": [_stream(stream, state) for stream in camera.streams],
        "state": state.state,
        "since_us": state.since_us,
        "reason": state.reason,
        "detail": state.detail,
        "last_unit_us": state.last_unit_us,
        "mse_type": state.mse_type,
        "place": camera.place,
        "latitude": camera.latitude,
        "longitude": camera.longitude,
        "purpose": camera.purpose,
        "group_id": None if camera.group_id is None else str(camera.group_id),
        "driver": camera.driver,
        "input": camera.input,
        "can_steer": camera.can_steer,
        "keep_hours": camera.keep_hours,
    }


def _unseen(camera: Camera, why_away: str | None) -> StreamState:
    """A camera the recorder does not tell of: just added, or the recorder is away."""
    if camera.removed_us is not None:
        return StreamState(camera.main.id, "stopped", camera.removed_us, "removed", "The camera was removed.")
    if why_away is not None:
        return StreamState(camera.main.id, "lost", camera.added_us, "recorder_away", why_away)
    return StreamState(camera.main.id, "connecting", camera.added_us, "", "The recorder is about to connect.")


def _stream(stream: Stream, state: StreamState) -> dict[str, object]:
    video = next((track for track in state.tracks if track.is_video), None)
    return {
        "id": str(stream.id),
        "profile": stream.profile,
        "codec": video.codec if video else None,
        "width_px": video.width_px if video else None,
        "height_px": video.height_px if video else None,
        "fps": round(state.fps, 2) if video else None,
        "bitrate_bps": state.bitrate_bps if video else None,
        "has_audio": any(not track.is_video for track in state.tracks),
    }
