"""Clips made once, and cut once, for all flow tests of the intake."""

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.ingest.rig import make_clip

from civiscope.media import FileUnits
from civiscope.simulator import Footage, server_tls


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two seconds each, of every codec a camera sends pictures in; `slices` has three slices a picture."""
    folder = tmp_path_factory.mktemp("clips")
    plain = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "sliced-threads=0:repeat-headers=1"}
    return {
        "h264": make_clip(folder / "h264.mp4", **plain),
        "large": make_clip(folder / "large.mp4", size="320x240", **plain),
        "slices": make_clip(folder / "slices.mp4", preset="ultrafast", **{"x264-params": "slices=3"}),
        "reordered": make_clip(folder / "reordered.mp4", preset="fast", bf="2"),
        "h265": make_clip(
            folder / "h265.mp4", codec="libx265", preset="ultrafast", **{"x265-params": "log-level=none"}
        ),
        "mjpeg": make_clip(folder / "mjpeg.avi", codec="mjpeg", huffman="default"),
    }


@pytest.fixture(scope="session")
def footage(clips: dict[str, Path]) -> dict[str, Footage]:
    """The clips ready to be sent, parameter sets in every key unit."""
    return {name: Footage.load(path, in_band=True) for name, path in clips.items()}


@pytest.fixture(scope="session")
def file_units(clips: dict[str, Path]) -> dict[str, FileUnits]:
    """The clips as demuxed."""
    return {name: FileUnits(path) for name, path in clips.items()}


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A camera's self-signed certificate and its key."""
    return make_certificate(tmp_path_factory.mktemp("tls"))


def make_certificate(folder: Path, days: int = 1) -> tuple[Path, Path]:
    """A self-signed certificate of a camera for so many days from now on, and its key; PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / "camera.pem", folder / "camera.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


@pytest.fixture(scope="session")
def tls_context(tls_files: tuple[Path, Path]) -> ssl.SSLContext:
    """What the camera speaks rtsps with."""
    return server_tls(*tls_files)
