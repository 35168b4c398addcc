"""Looking after devices that are there: asking them anew, comparing, writing what is wanted on request."""

from dataclasses import dataclass

from civiscope.base import AppError, Clock, DeviceId, ErrorKind
from civiscope.devices.device_book import DeviceBook
from civiscope.devices.driver import DriverFace
from civiscope.devices.equipment import Ability, Drift, Trouble, TroubleReport
from civiscope.devices.model import Device, DeviceCheck

_SETTABLE = frozenset({Ability.ENCODER, Ability.CLOCK})


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Keeps what it finds in the book; a device that cannot be asked is a finding too."""

    drivers: DriverFace
    book: DeviceBook
    clock: Clock

    async def check(self, device_id: DeviceId) -> Device:
        """Ask the device what it is and how it is set; nothing is written to it."""
        device = await self.book.one(device_id)
        reach = await self.book.reach(device_id)
        try:
            answer = await self.drivers.describe(device.driver, reach)
            told = answer.description
            if told is None:
                return await self._keep_trouble(device_id, answer.trouble or _no_answer())
            drift: tuple[Drift, ...] = ()
            if _SETTABLE & set(told.abilities):
                drift = await self.drivers.compare(device.driver, reach, device.desired)
        except AppError as error:
            return await self._keep_trouble(device_id, _as_trouble(error))
        await self.book.keep_description(device_id, told)
        found = DeviceCheck(self.clock.now_us(), drift, told.clock_offset_ms, told.identity)
        return await self.book.keep_check(device_id, found)

    async def configure(self, device_id: DeviceId) -> Device:
        """Write what is wanted to the device; what could not be written is left over as drift.

        UNAVAILABLE or INVALID in plain words when it cannot be reached: then nothing is known to be written.
        """
        device = await self.book.one(device_id)
        if not _SETTABLE & set(device.abilities):
            raise AppError(
                ErrorKind.UNAVAILABLE,
                "The device takes no settings from us. Set it in its own menu, or check it first.",
            )
        reach = await self.book.reach(device_id)
        drift = await self.drivers.configure(device.driver, reach, device.desired)
        offset_ms = device.clock_offset_ms
        answer = await self.drivers.describe(device.driver, reach)
        if answer.description is not None:
            await self.book.keep_description(device_id, answer.description)
            offset_ms = answer.description.clock_offset_ms
        return await self.book.keep_check(
            device_id, DeviceCheck(self.clock.now_us(), drift, offset_ms, trouble=answer.trouble)
        )

    async def _keep_trouble(self, device_id: DeviceId, trouble: TroubleReport) -> Device:
        return await self.book.keep_check(device_id, DeviceCheck(self.clock.now_us(), trouble=trouble))


def may_be_checked(device: Device) -> bool:
    """Its driver knows settings that may drift."""
    return bool(_SETTABLE & set(device.abilities))


def _no_answer() -> TroubleReport:
    return TroubleReport(Trouble.TIMEOUT, "The device gave no answer.", "Try again.")


def _as_trouble(error: AppError) -> TroubleReport:
    kind = Trouble.DRIVER if error.kind is ErrorKind.UNAVAILABLE else Trouble.UNREACHABLE
    return TroubleReport(kind, error.message, "")
