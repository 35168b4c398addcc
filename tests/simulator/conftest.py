"""Clips of one second, made when the tests run, in every codec a camera may send."""

import shutil
import subprocess
from pathlib import Path

import pytest

_PICTURE = "-f lavfi -i testsrc2=s=320x240:r=15"
_SOUND = "-f lavfi -i sine=f=440:r=8000"
_X264 = "-c:v libx264 -preset ultrafast -bf 0 -g 5"
_RECIPES = {
    "h264_aac.mp4": f"{_PICTURE} {_SOUND} {_X264} -c:a aac -ar 16000",
    "h264b_pcmu.mov": f"{_PICTURE} {_SOUND} -c:v libx264 -preset veryfast -bf 2 -g 15 -c:a pcm_mulaw",
    "h265_pcma.mov": f"{_PICTURE} {_SOUND} -c:v libx265 -preset ultrafast -g 15 -c:a pcm_alaw "
    "-x265-params log-level=none:bframes=0",
    "mjpeg_opus.mkv": f"{_PICTURE} {_SOUND} -c:v mjpeg -huffman default -pix_fmt yuvj420p "
    "-c:a libopus -ar 48000",
    "small.mp4": f"-f lavfi -i testsrc2=s=160x120:r=15 {_X264}",
    "long_gop.mp4": "-f lavfi -i testsrc2=s=160x120:r=15 -c:v libx264 -bf 0 -g 99 -t 4",
    "raw.h264": f"{_PICTURE} {_X264}",
    "h264_aac.ts": f"{_PICTURE} {_SOUND} {_X264} -c:a aac",
    "sound.wav": f"{_SOUND} -c:a pcm_mulaw",
    "mpeg4.avi": f"{_PICTURE} -c:v mpeg4",
}


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By name without its ending where that is unique, else by the whole name."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed: it makes the clips")
    folder = tmp_path_factory.mktemp("clips")
    made = {}
    for name, recipe in _RECIPES.items():
        path = folder / name
        length = [] if " -t " in recipe else ["-t", "1"]
        command = ["ffmpeg", "-v", "error", "-nostdin", *recipe.split(), *length, "-threads", "1"]
        subprocess.run([*command, str(path)], check=True, timeout=60)
        made[name] = path
    return made
