"""Debian's Chromium plays what `media.mp4` writes, in Media Source, unit by unit."""

import shutil
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from tests.media.mp4.clip import Clip, sound_clip, video_clip

from civiscope.media import Codec
from civiscope.media.mp4 import Sample, flac_frame, fragment, init_segment, mse_type

pytestmark = pytest.mark.browser

_PLAY = """async ({type, parts, at}) => {
  const video = document.querySelector("video"), source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await new Promise(done => source.addEventListener("sourceopen", done, {once: true}));
  const buffer = source.addSourceBuffer(type);
  for (const part of parts) {
    buffer.appendBuffer(Uint8Array.from(atob(part), letter => letter.charCodeAt(0)));
    await new Promise(done => buffer.addEventListener("updateend", done, {once: true}));
  }
  video.currentTime = at;
  await video.play();
  await new Promise(done => {
    const look = () => video.currentTime > at + 0.5 || video.error ? done() : setTimeout(look, 20);
    look();
  });
  return {
    error: video.error && video.error.message, ranges: buffer.buffered.length,
    start: buffer.buffered.start(0), end: buffer.buffered.end(0), width: video.videoWidth,
    pictures: video.getVideoPlaybackQuality().totalVideoFrames, sound: video.webkitAudioDecodedByteCount,
  };
}"""


def _parts(clips: list[Clip], batch: int) -> list[str]:
    """Init and fragments of `batch` units each, ten seconds after media time 0, as live and playback send."""
    rates = {clip.track.track_id: clip.track.clock_rate_hz for clip in clips}
    samples: list[Sample] = []
    for clip in clips:
        is_telephone = clip.track.codec in {Codec.PCMU, Codec.PCMA}
        for sample in clip.samples:
            data = bytes(sample.data)
            data = flac_frame(clip.track, data, sample.decode_time) if is_telephone else data
            lead = 10 * clip.track.clock_rate_hz
            samples.append(replace(sample, decode_time=sample.decode_time + lead, data=data))
    samples.sort(key=lambda s: s.decode_time / rates[s.track_id])
    init = init_segment([clip.track for clip in clips], 1_700_000_000_000_000, for_browser=True)
    fragments = [fragment(1 + i, samples[i : i + batch]) for i in range(0, len(samples), batch)]
    return [b64encode(part).decode() for part in (init, *fragments)]


@pytest.fixture(scope="module")
def page() -> Any:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser.new_page()
        browser.close()


@pytest.mark.parametrize("batch", [1, 20])
@pytest.mark.parametrize("sound", [None, Codec.AAC, Codec.OPUS, Codec.PCMU, Codec.PCMA])
def test_pictures_and_sound_play(page: Any, sound: Codec | None, batch: int) -> None:
    clips = [video_clip(count=30, b_frames=0 if sound else 2)]
    if sound is not None:
        clips.append(sound_clip(sound))
    page.set_content("<video muted></video>")
    wish = {"type": mse_type([clip.track for clip in clips]), "parts": _parts(clips, batch), "at": 10.2}
    seen = page.evaluate(_PLAY, wish)
    assert seen["error"] is None
    assert (seen["ranges"], seen["width"]) == (1, 320)
    assert seen["start"] == pytest.approx(10, abs=0.15)
    assert seen["end"] == pytest.approx(12, abs=0.15)
    assert seen["pictures"] >= 7
    assert (seen["sound"] > 1000) == (sound is not None)
