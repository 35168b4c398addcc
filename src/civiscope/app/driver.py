"""The driver process: speaks to devices through plug-ins, behind the device gate, without vault or keys."""

from civiscope.app.home import Home
from civiscope.app.role import be, bus_of, stop_on_signal
from civiscope.app.settings import Settings
from civiscope.base import SystemClock
from civiscope.cluster import tell_ready
from civiscope.devices import DriverFace, DriverHost, PlugIns


async def run_driver(home: Home, settings: Settings) -> None:
    """Be the driver host until SIGTERM. No driver is loaded before the first that is needed."""
    stop = stop_on_signal()
    async with bus_of("driver", home) as bus:
        host = DriverHost(PlugIns(settings.devices.drivers), SystemClock(), bus.publish)
        try:
            bus.serve(DriverFace, host)
            await bus.start()
            tell_ready()
            await stop.wait()
        finally:
            await host.close()


if __name__ == "__main__":
    be(run_driver)
