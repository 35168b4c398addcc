"""How long an hour's export takes, against copying the same bytes on the same disk."""

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

from tests.api.export_town import make_exports
from tests.api.town import PASSWORD, Town, close_town, make_keys, open_town, prepare
from tests.recording.footage import Camera, Room, Site

from bench.clips import street_clip
from bench.measure import Measure, say
from bench.result import Finding
from civiscope.api import ApiSettings
from civiscope.base import Span
from civiscope.devices import CameraDraft
from civiscope.evidence import ExportKind, ExportOrder, ExportState
from civiscope.media import FileUnits
from civiscope.security import VaultDoor, load_keyring, load_sealer

_TICK_UNITS = 8
_READ_BYTES = 1 << 20
_QUEUE_BYTES = 16 << 20


def run(folder: Path, seconds: float) -> list[Finding]:
    """An hour (or `seconds`) of one 2 Mbit/s camera, recorded and exported as ever."""
    return asyncio.run(_measured(folder, seconds))


async def _measured(folder: Path, seconds: float) -> list[Finding]:
    keys = make_keys(folder / "keys")
    await prepare(folder / "town", keys, people=True)
    town = await open_town(folder / "town", keys, ApiSettings(frozenset()))
    try:
        room = Room(
            Site(keys, load_sealer(keys.recorder_folder), load_keyring(keys.server_folder)),
            folder / "volume",
            town.clock,
        )
        camera = await town.faces.devices.add_camera(CameraDraft("Coded", "rtsp://192.0.2.1/a"))
        span = _record(room, Camera(town.clock, stream_id=camera.main.id), seconds)
        recorded_bytes, copy_s = _copied(folder / "volume", folder / "copy")
        order = ExportOrder((camera.channel_id,), span, ExportKind.CASE, "public_safety", "Measured")
        export_s, export_bytes = await _exported(town, room, folder, order)
    finally:
        close_town(town)
    words = (
        f"{seconds:.0f} s of one camera, {recorded_bytes / 1e6:.0f} MB on the volume; copying them "
        f"with a sync took {copy_s:.2f} s ({recorded_bytes / copy_s / 1e6:.0f} MB/s), the export with proof, "
        f"hashes and seal {export_s:.2f} s ({export_bytes / export_s / 1e6:.0f} MB/s)"
    )
    say(words)
    return [Finding("export_ratio", export_s, "s", 2.0, words, copy_s)]


def _record(room: Room, camera: Camera, seconds: float) -> Span:
    """The street clip, again and again, as the recorder takes it; the clock is the test's own."""
    file = FileUnits(street_clip())
    recorder = room.recorder()
    camera.tracks = file.tracks
    camera.start(recorder)
    start_us, first = room.clock.now_us(), file.units[0]
    end_us = start_us + int(seconds * 1_000_000)
    loops, sequence = 0, 0
    while room.clock.now_us() < end_us:
        for unit in file.units:
            offset = loops * file.duration_us
            due_us = start_us + offset + (unit.dts - first.dts) * 1_000_000 // 90_000
            room.clock.advance(max(0, due_us - room.clock.now_us()))
            shift = offset * 90_000 // 1_000_000
            made = replace(
                unit, sequence=sequence, pts=unit.pts + shift, dts=unit.dts + shift,
                arrival_us=room.clock.now_us(), arrival_monotonic_us=room.clock.monotonic_us(),
            )  # fmt: skip
            recorder.unit(camera.stream_id, camera.run_id, made)
            sequence += 1
            if sequence % _TICK_UNITS == 0:
                recorder.tick()
                if recorder.queued_bytes > _QUEUE_BYTES:
                    assert recorder.wait_written(60.0), "the disk does not keep up"
        loops += 1
    camera.end(recorder)
    recorder.close()
    room.clock.advance(60_000_000)
    return Span(start_us, end_us)


def _copied(source: Path, target: Path) -> tuple[int, float]:
    """(bytes, seconds) of copying every segment, on the disk at the end."""
    segments = sorted(source.rglob("*.cvs"))
    began = time.perf_counter()
    with target.open("wb", buffering=0) as out:
        for path in segments:
            with path.open("rb", buffering=0) as file:
                while data := file.read(_READ_BYTES):
                    out.write(data)
        os.fsync(out.fileno())
    took_s = time.perf_counter() - began
    size_bytes = target.stat().st_size
    target.unlink()
    return size_bytes, took_s


async def _exported(town: Town, room: Room, folder: Path, order: ExportOrder) -> tuple[float, int]:
    faces = town.faces
    (folder / "desk").mkdir()
    desk = make_exports(
        folder / "desk", town.keys,
        (town.database, faces.audit, VaultDoor(town.keys, town.clock), town.clock),
        (faces.accounts, faces.purposes, faces.devices), room.archive(),
    )  # fmt: skip
    principal = (await faces.accounts.sign_in("operator", PASSWORD, "192.0.2.7")).principal
    running = asyncio.create_task(desk.run())
    began = time.perf_counter()
    await desk.ask(order, principal, "192.0.2.7")
    while not (found := (await desk.mine(principal))[0]).job.state.is_over:
        await asyncio.sleep(0.02)
    took_s = time.perf_counter() - began
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert found.job.state is ExportState.DONE, found.job.words
    return took_s, found.job.size_bytes


MEASURE = Measure(
    "export",
    3600.0,
    run,
    {
        "export_ratio": "One hour of one camera, half a minute of street repeated through the real recorder; "
        "seconds that the export desk needs to read, open, prove, hash, seal and sync it, over seconds of a "
        "plain copy of the volume's segments with a sync; both straight after the recording, so from the "
        "page cache."
    },
)
