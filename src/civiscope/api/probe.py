"""A camera opened once, to show a person what it sends before it is added."""

import asyncio
from collections.abc import Awaitable, Callable

from civiscope.api.ports import ProbeAnswer
from civiscope.base import AppError, Clock
from civiscope.devices import StreamAddress
from civiscope.ingest import StreamSource, Transport, probe
from civiscope.media import AccessUnit, TrackConfig, decode_key_frame

StillMaker = Callable[[TrackConfig, AccessUnit], Awaitable[bytes]]


def source_of(address: StreamAddress) -> StreamSource:
    """The register's stream as a source to take in."""
    return StreamSource(
        stream_id=address.stream_id,
        channel_id=address.channel_id,
        url=address.url,
        username=address.username or None,
        password=address.password.reveal() or None,
        transport=Transport(address.transport.value),
        tls_fingerprint=address.tls_fingerprint,
        audio=address.audio,
    )


class CameraProber:
    """Asks the camera itself; `still` makes the key unit a JPEG, best in a process that holds no keys.

    Without `still` the picture is decoded here, on a thread.
    """

    def __init__(self, clock: Clock, limit_s: float = 6.0, still: StillMaker | None = None) -> None:
        self._clock = clock
        self._limit_s = limit_s
        self._still = still or _decode_here

    async def probe(self, source: StreamSource) -> ProbeAnswer:
        """What the camera has; an `AppError` in plain words within the limit."""
        start_us = self._clock.monotonic_us()
        seen = await probe(source, self._limit_s)
        picture = await self._picture(seen.tracks, seen.key_unit)
        took_ms = (self._clock.monotonic_us() - start_us) // 1000
        return ProbeAnswer(seen.tracks, picture, took_ms, seen.transport, seen.sends_password_in_clear)

    async def _picture(self, tracks: tuple[TrackConfig, ...], unit: AccessUnit | None) -> bytes | None:
        """A JPEG; None when there is no picture to decode, which does not make the camera a bad one."""
        if unit is None:
            return None
        try:
            track = next(track for track in tracks if track.track_id == unit.track_id)
            return await self._still(track, unit)
        except (AppError, StopIteration):
            return None


async def _decode_here(track: TrackConfig, unit: AccessUnit) -> bytes:
    return (await asyncio.to_thread(decode_key_frame, track, unit)).jpeg
