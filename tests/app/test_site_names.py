"""A new host name is in the certificate and answered without a restart; old connections stay."""

import asyncio
import ssl
from pathlib import Path

from civiscope.app.site_names import SiteNames
from civiscope.base import SystemClock
from civiscope.security import SiteKeys, client_tls


async def presented(port: int, keys: SiteKeys, name: str) -> bool:
    """True if a client that trusts the site's authority believes the server under this name."""
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client_tls(keys.authority_pem()), server_hostname=name
        )
    except ssl.SSLCertVerificationError:
        return False
    writer.close()
    return True


async def test_a_new_name_is_taken_while_the_server_runs(tmp_path: Path) -> None:
    keys = SiteKeys.create(tmp_path / "keys", "Pier town")
    wanted: list[str] = []
    names = SiteNames(keys, SystemClock(), lambda: wanted)
    first = names.state()
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0, ssl=names.tls)
    port = server.sockets[0].getsockname()[1]
    running = asyncio.create_task(names.run())
    try:
        assert await presented(port, keys, "localhost")
        assert "cams.pier.local" not in names
        assert not await presented(port, keys, "cams.pier.local")
        wanted.append("cams.pier.local")
        names.look_again()
        async with asyncio.timeout(5):
            while "cams.pier.local" not in names:
                await asyncio.sleep(0.02)
        assert await presented(port, keys, "cams.pier.local")
        assert await presented(port, keys, "localhost")
        state = names.state()
        assert "cams.pier.local" in state.names
        assert state.fingerprint_sha256 == first.fingerprint_sha256, "a private name needs no new authority"

        wanted[:] = ["cams.city.example"]
        names.look_again()
        async with asyncio.timeout(5):
            while "cams.city.example" not in names:
                await asyncio.sleep(0.02)
        assert await presented(port, keys, "cams.city.example")
        assert "cams.pier.local" not in names
        assert names.state().fingerprint_sha256 != first.fingerprint_sha256
    finally:
        running.cancel()
        server.close()
        await asyncio.gather(running, return_exceptions=True)
