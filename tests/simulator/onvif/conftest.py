"""Simulated ONVIF devices made of clips of a second, served in the test's own process."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from civiscope.media.wire import Credentials
from civiscope.simulator import DeviceUser, Footage, OnvifServer, SimulatedCamera, SimulatedDevice, UserLevel

ADMIN = Credentials("admin", "harbour-7")
OPERATOR = Credentials("operator", "pilot-12")
VIEWER = Credentials("viewer", "gull-31")
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")

MakeDevice = Callable[[str], SimulatedDevice]


@pytest.fixture(scope="session")
def footage(clips: dict[str, Path]) -> dict[str, Footage]:
    return {name: Footage.load(clips[name]) for name in ("h264_aac.mp4", "small.mp4", "h265_pcma.mov")}


@pytest.fixture
def make_device(footage: dict[str, Footage]) -> MakeDevice:
    def make(name: str) -> SimulatedDevice:
        path = name.lower().replace(" ", "-")
        return SimulatedDevice(
            name,
            SimulatedCamera(path, footage["h264_aac.mp4"]),
            SimulatedCamera(f"{path}-sub", footage["small.mp4"]),
            users=(
                ADMIN,
                DeviceUser(OPERATOR, UserLevel.OPERATOR),
                DeviceUser(VIEWER, UserLevel.USER),
            ),
            snapshot=JPEG,
        )

    return make


@pytest.fixture
async def pier(make_device: MakeDevice) -> AsyncIterator[OnvifServer]:
    """One device, called Pier."""
    async with OnvifServer([make_device("Pier")]) as server:
        yield server


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that nobody vouches for, and its key; both PEM."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number())
    built = built.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = built.sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"
