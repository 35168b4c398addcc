"""Equipment that shows pictures and takes no orders: the base of drivers that only know an address."""

from collections.abc import AsyncIterator

from civiscope.base import AppError, ErrorKind
from civiscope.devices.equipment import DesiredSettings, Drift, Notification, PtzMove, PtzPreset, PtzStatus


class Unsteered:
    """Refuses whatever a driver does not override, with UNAVAILABLE in plain words."""

    async def snapshot(self, index: int) -> bytes:
        """Refused."""
        raise _cannot("give a single picture")

    async def compare(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        """Refused."""
        raise _cannot("tell its settings")

    async def configure(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        """Refused."""
        raise _cannot("be set")

    async def ptz_status(self, index: int) -> PtzStatus:
        """Refused."""
        raise _cannot("be moved")

    async def ptz_move(self, index: int, move: PtzMove) -> None:
        """Refused."""
        raise _cannot("be moved")

    async def ptz_goto(self, index: int, preset: str) -> None:
        """Refused."""
        raise _cannot("be moved")

    async def ptz_keep(self, index: int, name: str) -> PtzPreset:
        """Refused."""
        raise _cannot("be moved")

    def notifications(self) -> AsyncIterator[Notification]:
        """Refused."""
        raise _cannot("tell of events")


def _cannot(what: str) -> AppError:
    return AppError(
        ErrorKind.UNAVAILABLE,
        f"A device added by its stream's address alone cannot {what}. Add it by ONVIF, if it speaks that.",
    )
