"""One running product and its cameras per module of flows."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.product import Cameras, Desk, Product

from civiscope.media import EncoderSettings, encode_clip
from civiscope.simulator import StreetPlan
from civiscope.simulator.street import draw_street


def make_clip(
    path: Path, seed: int = 3, duration_s: int = 4, settings: EncoderSettings | None = None
) -> Path:
    """A small drawn street: 320x180, 12 frames a second, a key frame each second."""
    plan = StreetPlan(f"Lane {seed}", seed, 320, 180, 12, duration_s)
    encode_clip(path, draw_street(plan), settings or EncoderSettings(rate_fps=12, gop_frames=12))
    return path


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """H.264 without and with B-frames, and one with sound."""
    folder = tmp_path_factory.mktemp("clips")
    plain = make_clip(folder / "plain.mp4")
    reordered = make_clip(
        folder / "reordered.mp4", 5, 6, EncoderSettings(rate_fps=12, gop_frames=24, b_frames=2)
    )
    silent = make_clip(folder / "silent.mp4", 7)
    spoken = folder / "spoken.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(silent), "-f", "lavfi", "-i", "sine=440:duration=4",
         "-c:v", "copy", "-c:a", "aac", "-ar", "16000", "-shortest", str(spoken)], check=True, timeout=60,
    )  # fmt: skip
    return [plain, reordered, spoken]


@pytest.fixture(scope="module")
def start_cameras() -> Iterator[Callable[..., Cameras]]:
    """Makes simulated cameras that are gone when the module ends."""
    started: list[Cameras] = []

    def start(clips: list[Path], user: str | None = None) -> Cameras:
        cameras = Cameras(clips, user=user).start()
        started.append(cameras)
        return cameras

    yield start
    for cameras in started:
        cameras.stop()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product, healthy, without a camera yet."""
    running = Product(tmp_path_factory.mktemp("town") / "home")
    try:
        yield running.start()
    finally:
        running.destroy()


@pytest.fixture(scope="module")
def desk(product: Product) -> Desk:
    """The first administrator, made by the one-time code."""
    return product.administrator()
