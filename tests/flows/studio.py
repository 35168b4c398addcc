"""Simulated cameras on a thread of their own, so that a test can play with them while the product records."""

import asyncio
import datetime
import hashlib
import ssl
import subprocess
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from civiscope.simulator import RtspServer, server_tls

T = TypeVar("T")

_PICTURE = "-f lavfi -i testsrc2=s={size}:r=12:d={seconds}"
_SOUND = "-f lavfi -i sine=440:d={seconds}"
_X264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g {gop}"
RECIPES: dict[str, tuple[str, str]] = {
    "baseline": ("mp4", f"{_X264} -profile:v baseline"),
    "high": ("mp4", "-c:v libx264 -preset fast -profile:v high -pix_fmt yuv420p -bf 0 -g {gop}"),
    "reordered": ("mp4", "-c:v libx264 -preset fast -profile:v high -pix_fmt yuv420p -bf 2 -g {gop}"),
    "h265": ("mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint={gop}:bframes=0"),
    "mjpeg": ("avi", "-c:v mjpeg -huffman default -pix_fmt yuvj420p"),
    "aac": ("mp4", f"{_X264} -c:a aac -ar 16000"),
    "ulaw": ("mkv", f"{_X264} -c:a pcm_mulaw -ar 8000"),
    "alaw": ("mkv", f"{_X264} -c:a pcm_alaw -ar 8000"),
    "opus": ("mkv", f"{_X264} -c:a libopus -ar 48000"),
}
SPOKEN = {"aac": "aac", "ulaw": "pcm_mulaw", "alaw": "pcm_alaw", "opus": "opus"}


def make_clip(folder: Path, name: str, size: str = "160x120", seconds: int = 3, gop: int = 12) -> Path:
    """A small clip of one of the `RECIPES`, at 12 pictures a second."""
    suffix, recipe = RECIPES[name]
    path = folder / f"{name}-{size}-{seconds}.{suffix}"
    source = _PICTURE + (f" {_SOUND}" if name in SPOKEN else "")
    words = f"ffmpeg -v error -y {source} {recipe}".format(size=size, seconds=seconds, gop=gop)
    subprocess.run([*words.split(), str(path)], check=True, timeout=60)
    return path


def make_certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    """What a camera with a certificate of its own speaks, and that certificate's SHA-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, private = folder / "camera.pem", folder / "camera.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    pin = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
    return server_tls(pem, private), pin


class Studio:
    """Servers in an event loop of their own; `call` runs anything there."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="studio")
        self._servers: list[RtspServer] = []

    def start(self) -> "Studio":
        """Begin; `stop` ends everything."""
        self._thread.start()
        return self

    def serve(self, server: RtspServer) -> RtspServer:
        """Start a server here."""
        self.call(server.start())
        self._servers.append(server)
        return server

    def call(self, work: Coroutine[object, object, T]) -> T:
        """Run it in the loop of the cameras."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def cut(self) -> None:
        """All cameras lose their power."""
        for server in self._servers:
            self.call(server.stop())

    def stop(self) -> None:
        """End the thread; twice is once."""
        if not self._loop.is_closed():
            self.cut()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
            self._loop.close()
