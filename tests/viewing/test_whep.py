"""Live over WebRTC: the camera's own H.264, for who may look and as long as he may; no address is asked."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.media.mp4.clip import video_clip
from tests.viewing.whep_viewer import WhepViewer, whep_viewer
from tests.viewing.world import Camera, Screen, World, until, world

from civiscope.base import AppError, ErrorKind
from civiscope.media import Codec, TrackConfig
from civiscope.viewing import Look, ViewingSettings, WhepAnswer
from civiscope.viewing.whep_offer import read_offer

HERE = "127.0.0.1"


@contextlib.asynccontextmanager
async def sending(camera: Camera) -> AsyncIterator[None]:
    """The camera sends 25 pictures a second."""

    async def go_on() -> None:
        while True:
            camera.send()
            await asyncio.sleep(0.04)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()


async def test_pictures_come_as_the_camera_sent_them(tmp_path: Path) -> None:
    clip = video_clip()
    async with world(tmp_path) as here, whep_viewer() as viewer:
        camera = Camera(here, (clip.track,), clip.samples)
        camera.start()
        camera.send(20)
        look = await here.viewing.open(here.wish())
        begun_us = here.clock.now_us()
        answer = await look.whep(await viewer.offer(), HERE)
        await viewer.accept(answer.sdp)
        async with sending(camera):
            await until(lambda: len(viewer.frames) > 10, 10)
        first = viewer.frames[0]
        assert (first.width, first.height) == (clip.track.width_px, clip.track.height_px)
        assert look.is_watched
        assert here.server.watched == {here.stream_id}
        assert look.sent_bytes > 1000
        sent = look.whep_sent(answer.peer_id)
        assert 0 <= here.clock.now_us() - sent.arrival_us < 500_000
        assert abs(sent.rtp_timestamp - viewer.newest_rtp_timestamp) < 45_000, (
            "half a second, of the same origin"
        )
        look.end_whep(answer.peer_id)
        await until(lambda: viewer.state == "closed")
        await until(lambda: not look.is_watched)
        (seen,) = look.seen
        assert begun_us - 100_000 <= seen.start_us < seen.end_us <= here.clock.now_us()
        with pytest.raises(AppError) as gone:
            look.end_whep(answer.peer_id)
        assert gone.value.kind is ErrorKind.MISSING


async def _watch(here: World, viewer: WhepViewer, camera: Camera) -> Look:
    """Open a look and wait for its pictures over WebRTC."""
    look = await here.viewing.open(here.wish())
    await viewer.accept((await look.whep(await viewer.offer(), HERE)).sdp)
    await until(lambda: len(viewer.frames) > 2, 10)
    return look


async def test_it_ends_with_the_look_and_the_audit_says_what_was_seen(tmp_path: Path) -> None:
    clip = video_clip()
    async with world(tmp_path) as here, whep_viewer() as viewer, whep_viewer() as next_viewer:
        camera = Camera(here, (clip.track,), clip.samples)
        camera.start()
        camera.send()
        async with sending(camera):
            look = await _watch(here, viewer, camera)
            await next_viewer.accept((await look.whep(await next_viewer.offer(), HERE)).sdp)
            await until(lambda: viewer.state == "closed" and len(next_viewer.frames) > 2, 10)
            socket_too = Screen().open(look.live())
            await until(lambda: next_viewer.state == "closed" and 2 in socket_too.kinds, 10)
            await socket_too.close()
            here.signed_in.clear()
            await here.viewing.recheck()
        with pytest.raises(AppError) as refused:
            await look.whep("v=0", HERE)
        assert refused.value.kind is ErrorKind.UNAUTHENTICATED
        (end,) = [entry for entry in await here.audit.entries() if entry.what == "look.end"]
        said = await here.audit.details(end.sequence) or {}
        assert said["sent_bytes"] == look.sent_bytes > 1000
        assert said["seen_spans"] == 1


async def test_the_permission_is_asked_while_it_is_watched(tmp_path: Path) -> None:
    clip = video_clip()
    async with world(tmp_path) as here, whep_viewer() as viewer:
        camera = Camera(here, (clip.track,), clip.samples)
        camera.start()
        camera.send()
        async with sending(camera):
            look = await _watch(here, viewer, camera)
            here.signed_in.clear()
            await here.viewing.recheck()
            assert look.seen
            await until(lambda: viewer.state == "closed")
        assert here.viewing.looks() == []


async def test_a_new_run_goes_on_in_the_same_connection(tmp_path: Path) -> None:
    clip = video_clip()
    async with world(tmp_path) as here, whep_viewer() as viewer:
        camera = Camera(here, (clip.track,), clip.samples)
        camera.start()
        camera.send()
        async with sending(camera):
            await _watch(here, viewer, camera)
        camera.end()
        again = Camera(here, (clip.track,), clip.samples)
        again.start()
        so_far = len(viewer.frames)
        async with sending(again):
            await until(lambda: len(viewer.frames) > so_far + 5, 10)
        assert viewer.state == "connected"


async def test_what_cannot_be_shown_is_refused_with_the_way_out(tmp_path: Path) -> None:
    clip = video_clip()
    async with world(tmp_path, ViewingSettings(whep_picture_s=0.2)) as here, whep_viewer() as viewer:
        look = await here.viewing.open(here.wish())
        offer = await viewer.offer()
        with pytest.raises(AppError, match="No picture has come"):
            await look.whep(offer, HERE)
        jpeg = Camera(here, (TrackConfig(1, Codec.MJPEG, 90_000, width_px=64, height_px=48),), clip.samples)
        jpeg.start()
        with pytest.raises(AppError, match=r"MJPEG.*WebSocket"):
            await look.whep(offer, HERE)
        jpeg.end("unreachable", "The cable is out.")
        await until(lambda: look.mse_type is None)
        with pytest.raises(AppError, match="The cable is out") as lost:
            await look.whep(offer, HERE)
        assert lost.value.kind is ErrorKind.UNAVAILABLE
        assert not look.is_watched


async def test_pictures_that_are_reordered_end_the_connection(tmp_path: Path) -> None:
    clip = video_clip()
    async with world(tmp_path) as here, whep_viewer() as viewer:
        swapped = [*clip.samples[:6], replace(clip.samples[6], composition_offset=-9000), *clip.samples[7:]]
        camera = Camera(here, (clip.track,), swapped)
        camera.start()
        camera.send()
        look = await here.viewing.open(here.wish())
        await viewer.accept((await look.whep(await viewer.offer(), HERE)).sdp)
        async with sending(camera):
            await until(lambda: viewer.state == "closed", 10)
        assert not look.is_watched


async def test_a_viewer_who_never_comes_is_let_go_and_their_number_is_bounded(tmp_path: Path) -> None:
    clip = video_clip()
    settings = ViewingSettings(whep_peers=1, whep_connect_s=0.3)
    async with world(tmp_path, settings) as here, whep_viewer() as viewer:
        camera = Camera(here, (clip.track,), clip.samples)
        camera.start()
        camera.send()
        look, other = await here.viewing.open(here.wish()), await here.viewing.open(here.wish())
        offer = await viewer.offer()
        await look.whep(offer, HERE)
        with pytest.raises(AppError) as full:
            await other.whep(offer, HERE)
        assert full.value.kind is ErrorKind.EXHAUSTED
        await until(lambda: not look.is_watched)
        answers: list[WhepAnswer] = []
        async with asyncio.timeout(5):
            while not answers:  # its place is free a moment later, when its sockets are closed
                with contextlib.suppress(AppError):
                    answers.append(await other.whep(offer, HERE))
                await asyncio.sleep(0)


async def test_no_address_of_an_offer_is_ever_asked(tmp_path: Path) -> None:
    clip = video_clip()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bystander:
        bystander.bind((HERE, 0))
        bystander.setblocking(False)
        port = bystander.getsockname()[1]
        async with world(tmp_path, ViewingSettings(whep_connect_s=0.5)) as here, whep_viewer() as viewer:
            camera = Camera(here, (clip.track,), clip.samples)
            camera.start()
            camera.send()
            offer = re.sub(r"(?m)^a=candidate:.*\r?\n", "", await viewer.offer()).rstrip()
            line = f"a=candidate:1 1 udp 2130706431 {HERE} {port} typ host"
            named = "a=candidate:2 1 udp 2130706430 0123.local 5353 typ host"
            look = await here.viewing.open(here.wish())
            answer = await look.whep("\r\n".join([offer, line, named, "a=end-of-candidates", ""]), HERE)
            found = re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) \d+ typ (\S+)", answer.sdp)
            assert found == [(HERE, "host")], "one port, on the address the viewer has reached"
            await until(lambda: not look.is_watched)
        with pytest.raises(BlockingIOError):
            bystander.recv(1)


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        ("H264/90000", "VP8/90000", "no H.264"),
        ("a=recvonly", "a=sendonly", "receives no video"),
        ("m=video", "m=application", "data channel"),
        ("a=ice-pwd", "a=nothing", "credentials"),
        ("m=video", "m=flowers", "."),
        ("m=video", "m=a\r\nm=b\r\nm=c\r\nm=d\r\nm=video", "more than"),
    ],
)
async def test_an_offer_that_cannot_be_met_is_refused_in_words(line: str, instead: str, words: str) -> None:
    async with whep_viewer() as viewer:
        offer = await viewer.offer()
    read_offer(offer)
    assert line in offer
    with pytest.raises(AppError, match=words) as refused:
        read_offer(offer.replace(line, instead))
    assert refused.value.kind is ErrorKind.INVALID


_LINES = st.sampled_from(
    ["v=0", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=rtpmap:96 H264/90000", "a=recvonly", "a=group:BUNDLE 0",
     "a=fingerprint:sha-256 AA", "a=ice-ufrag:a", "a=ice-pwd:b", "a=fmtp:97 apt=x", "a=setup:flowers", "c=IN"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=200), st.lists(st.one_of(_LINES, st.text(max_size=30))).map("\r\n".join)))
def test_anything_is_an_offer_or_invalid(text: str) -> None:
    with contextlib.suppress(AppError):
        read_offer(text)
