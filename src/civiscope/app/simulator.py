"""The simulator process: the drawn streets of a first look."""

from civiscope.app.home import Home
from civiscope.app.role import be
from civiscope.app.settings import Settings
from civiscope.app.town import serve_town, town_port
from civiscope.cluster import tell_ready


async def run_simulator(home: Home, settings: Settings) -> None:
    """Be the simulator until SIGTERM."""
    tell_ready()
    await serve_town(home, "127.0.0.1", town_port(home), lambda _: None)


if __name__ == "__main__":
    be(run_simulator)
