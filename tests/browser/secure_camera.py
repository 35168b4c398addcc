"""A simulated camera that speaks RTSPS with a certificate that nobody vouches for."""

import asyncio
import hashlib
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from tests.ingest.conftest import make_certificate

from civiscope.simulator import Footage, RtspServer, ServerOptions, SimulatedCamera, server_tls, serving


@contextmanager
def secure_camera(clip: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Its address and its certificate's SHA-256 in hex; in a thread, for Playwright holds this one."""
    certificate, key = make_certificate(folder)
    told: Queue[tuple[asyncio.AbstractEventLoop, str]] = Queue()
    ended = asyncio.Event()

    async def serve() -> None:
        camera = SimulatedCamera("secure", await asyncio.to_thread(Footage.load, clip, in_band=True))
        options = ServerOptions(tls=server_tls(certificate, key))
        async with serving(RtspServer([camera], options=options)) as server:
            told.put((asyncio.get_running_loop(), server.url("secure")))
            await ended.wait()

    plain = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    with ThreadPoolExecutor(1) as beside:
        beside.submit(asyncio.run, serve())
        loop, url = told.get(timeout=30)
        try:
            yield url, hashlib.sha256(plain).hexdigest()
        finally:
            loop.call_soon_threadsafe(ended.set)
