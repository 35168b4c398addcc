"""A camera opened once, to show a person what it sends before it is added."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from civiscope.api.ports import ProbeAnswer
from civiscope.base import AppError, Clock
from civiscope.devices import DeviceGate, GateRules, StreamAddress
from civiscope.ingest import StreamSource, Transport, probe
from civiscope.media import AccessUnit, TrackConfig

_STILL_S = 1.0
"""Kept of the time for making the picture, at least."""
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
        recorded=address.recorded,
    )


class CameraProber:
    """Asks the camera itself; `still` makes the key unit a JPEG, in a process that holds no keys."""

    def __init__(
        self,
        clock: Clock,
        still: StillMaker,
        gate_rules: Callable[[], GateRules],
        limit_s: float = 6.0,
        *,
        import_folders: tuple[Path, ...] = (),
    ) -> None:
        self._clock = clock
        self._still = still
        self._gate_rules = gate_rules
        self._limit_s = limit_s
        self._import_folders = import_folders

    async def probe(self, source: StreamSource, limit_s: float | None = None) -> ProbeAnswer:
        """What the camera has; a `TroubleError` in plain words within the limit, the picture included."""
        limit_s = self._limit_s if limit_s is None else min(limit_s, self._limit_s)
        start_us = self._clock.monotonic_us()
        deadline_us = start_us + int(limit_s * 1e6)
        gate = DeviceGate(await asyncio.to_thread(self._gate_rules))
        patience_s = limit_s - min(_STILL_S, limit_s / 4)
        seen = await probe(source, patience_s, gate=gate, import_folders=self._import_folders)
        left_s = (deadline_us - self._clock.monotonic_us()) / 1e6
        picture = await self._picture(seen.tracks, seen.key_unit, left_s)
        took_ms = (self._clock.monotonic_us() - start_us) // 1000
        return ProbeAnswer(
            seen.tracks,
            picture,
            took_ms,
            seen.transport,
            seen.sends_password_in_clear,
            seen.clock_offset_ms,
        )

    async def _picture(
        self, tracks: tuple[TrackConfig, ...], unit: AccessUnit | None, left_s: float
    ) -> bytes | None:
        """A JPEG; None when there is no picture to decode, which does not make the camera a bad one."""
        if unit is None:
            return None
        try:
            track = next(track for track in tracks if track.track_id == unit.track_id)
            async with asyncio.timeout(left_s):
                return await self._still(track, unit)
        except (AppError, StopIteration, TimeoutError):
            return None
