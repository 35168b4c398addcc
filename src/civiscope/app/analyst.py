"""The analyst process: supervised, with a bus, and without work in this version."""

from civiscope.app.home import Home
from civiscope.app.role import be, bus_of, stop_on_signal
from civiscope.app.settings import Settings
from civiscope.cluster import tell_ready


async def run_analyst(home: Home, settings: Settings) -> None:
    """Be the analyst until SIGTERM."""
    stop = stop_on_signal()
    async with bus_of("analyst", home) as bus:
        await bus.start()
        tell_ready()
        await stop.wait()


if __name__ == "__main__":
    be(run_analyst)
