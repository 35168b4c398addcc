"""How this machine does: processes, streams and volumes, for Health."""

import asyncio
from typing import Any

from civiscope.app.home import Home
from civiscope.app.recorder_link import RecorderLink
from civiscope.base import AppError
from civiscope.cluster import read_snapshot
from civiscope.ingest import StreamState, StreamStatus
from civiscope.recording import Archive


class Machine:
    """Implements the door's `System`."""

    def __init__(self, home: Home, link: RecorderLink) -> None:
        self._home = home
        self._link = link

    async def healthy(self) -> bool:
        """The recorder answers and its volumes take what it writes."""
        try:
            status = await self._link.status()
        except AppError:
            return False
        return all(volume.state in {"good", "slow", "held"} for volume in status.volumes)

    async def status(self) -> dict[str, Any]:
        """Everything, also while parts of it are away."""
        try:
            recorder = await self._link.status()
            streams, volumes = recorder.streams, recorder.volumes
        except AppError:
            streams, volumes = (), ()
        return {
            "processes": await asyncio.to_thread(self._processes),
            "streams": [
                {
                    "id": str(one.stream_id), "state": one.state.value, "since_us": one.since_us,
                    "units": one.units, "bitrate_bps": round(one.bitrate_bps),
                    "fps": round(one.frame_rate_fps, 2), "lost_packets": one.lost_packets,
                    "damaged_units": one.damaged_units, "transport": one.transport.value,
                    "reason": _reason(one), "detail": one.last_detail if _reason(one) else "",
                }
                for one in streams
            ],
            "volumes": [
                {
                    "path": one.path, "free_bytes": one.free_bytes, "used_bytes": one.used_bytes,
                    "state": one.state, "hours_left": one.hours_left, "reach_hours": one.reach_hours,
                }
                for one in volumes
            ],
        }  # fmt: skip

    def _processes(self) -> list[dict[str, Any]]:
        snapshot = read_snapshot(self._home.run)
        if snapshot is None:
            return []
        return [
            {
                "role": one.role, "state": one.state.value, "pid": one.pid, "since_us": one.since_us,
                "restarts": max(0, one.starts - 1), "last_end": one.last_end,
            }
            for one in snapshot.processes
        ]  # fmt: skip


def _reason(status: StreamStatus) -> str:
    """Why it is away; nothing while it is there."""
    if status.state is StreamState.RUNNING or status.last_reason is None:
        return ""
    return status.last_reason.value


async def follow(archive: Archive) -> None:
    """Take in twice a second what the recorder wrote; until cancelled."""
    while True:
        await asyncio.to_thread(archive.refresh)
        await asyncio.sleep(0.5)
