"""The footage of all measures, made once and kept under the system's folder for temporary files."""

import os
import subprocess
import tempfile
from pathlib import Path

RATE_FPS = 15
GOP_FRAMES = 30
BITRATE_BPS = 2_000_000
CLIP_S = 30
WIDTH_PX, HEIGHT_PX = 1280, 720


def clip_folder() -> Path:
    """Where clips are kept between runs."""
    folder = Path(tempfile.gettempdir()) / f"civiscope-bench-clips-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def street_clip() -> Path:
    """720p, 15 frames a second, 2 Mbit/s H.264, a key frame each 2 s with its parameter sets, no B-frames.

    Made of ffmpeg's moving test picture and noise, which takes the bits a real lens at dusk takes.
    """
    clip = clip_folder() / f"h264-720p{RATE_FPS}-{BITRATE_BPS // 1000}k-gop{GOP_FRAMES}-{CLIP_S}s.mp4"
    if not clip.exists():
        unfinished = clip.with_suffix(f".{os.getpid()}.mp4")
        subprocess.run(_encode_command(unfinished), check=True, timeout=300)
        unfinished.rename(clip)
    return clip


def _encode_command(target: Path) -> list[str]:
    picture = f"testsrc2=size={WIDTH_PX}x{HEIGHT_PX}:rate={RATE_FPS}:duration={CLIP_S},noise=alls=10:allf=t"
    rate = str(BITRATE_BPS)
    return [
        "ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", picture, "-pix_fmt", "yuv420p",
        "-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", str(GOP_FRAMES), "-sc_threshold", "0",
        "-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate,
        "-x264-params", "repeat-headers=1", str(target),
    ]  # fmt: skip
