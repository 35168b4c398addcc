"""Clips and a certificate, made once, for the cameras that drivers meet."""

import ssl
from pathlib import Path

import pytest
from tests.ingest.conftest import tls_files as tls_files  # noqa: PLC0414  a fixture, used by name
from tests.ingest.rig import make_clip

from civiscope.media import FileUnits
from civiscope.simulator import Footage, server_tls


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two seconds each."""
    folder = tmp_path_factory.mktemp("clips")
    plain = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "sliced-threads=0:repeat-headers=1"}
    return {
        "h264": make_clip(folder / "h264.mp4", size="320x240", **plain),
        "mjpeg": make_clip(folder / "mjpeg.avi", codec="mjpeg", huffman="default"),
    }


@pytest.fixture(scope="session")
def footage(clips: dict[str, Path]) -> Footage:
    """H.264, ready to be sent."""
    return Footage.load(clips["h264"], in_band=True)


@pytest.fixture(scope="session")
def jpeg_units(clips: dict[str, Path]) -> FileUnits:
    """Motion JPEG, 160×120."""
    return FileUnits(clips["mjpeg"])


@pytest.fixture(scope="session")
def tls_context(tls_files: tuple[Path, Path]) -> ssl.SSLContext:
    """What the cameras speak rtsps and https with: a certificate that nobody vouches for."""
    return server_tls(*tls_files)
