"""The simulator process: the drawn streets of a first look."""

import asyncio

from civiscope.app.home import Home
from civiscope.app.role import be
from civiscope.app.settings import Settings
from civiscope.app.town import OnvifWish, serve_town, town_onvif_port, town_port
from civiscope.cluster import tell_ready
from civiscope.simulator import TOWN


async def run_simulator(home: Home, settings: Settings) -> None:
    """Be the simulator until SIGTERM."""
    rtsp, onvif = await asyncio.to_thread(lambda: (town_port(home), town_onvif_port(home)))
    tell_ready()
    wish = OnvifWish(onvif, is_discoverable=True)
    await serve_town(home, ("127.0.0.1", rtsp), len(TOWN), wish, lambda _: None)


if __name__ == "__main__":
    be(run_simulator)
