"""What comes in about devices, channels and groups; unknown fields are refused."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from civiscope.api.shapes import ProbeBody
from civiscope.devices import (
    KEEP,
    KEEP_LIMIT_HOURS,
    ChannelChange,
    ChannelDraft,
    DesiredSettings,
    DeviceChange,
    DeviceDraft,
    EncoderWish,
    GroupId,
    Transport,
)
from civiscope.security import Secret

BULK_LIMIT = 500
IMPORT_AT_ONCE = 2
"""Lines tried in one call; each may take 6 s, and they are tried side by side."""
_Text = Annotated[str, Field(max_length=1024)]
_Id = Annotated[UUID, Field(strict=False)]
_Hours = Annotated[float, Field(ge=1, le=KEEP_LIMIT_HOURS, allow_inf_nan=False)]
_Degrees = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
_Input = Annotated[int, Field(ge=0, le=255)]
_Driver = Annotated[str, Field(min_length=1, max_length=32, pattern="^[a-z_]+$")]
_Speed = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class DiscoverBody(_Shape):
    """How long to listen."""

    listen_s: Annotated[float, Field(ge=1, le=8)] = 3.0


class DeviceBody(ProbeBody):
    """A device as typed."""

    driver: _Driver | None = None

    def draft(self, channels: tuple[ChannelDraft, ...] = ()) -> DeviceDraft:
        """As the register takes it."""
        return DeviceDraft(
            address=self.address,
            driver=self.driver,
            username=self.username,
            password=secret_of(self.password),
            transport=Transport(self.transport),
            tls_fingerprint=self.tls_fingerprint,
            channels=channels,
        )


class TryBody(DeviceBody):
    """A device to try, and the input to look through."""

    input: _Input = 0


class ChannelBody(_Shape):
    """What an input shall watch."""

    name: _Text
    input: _Input = 0
    place: _Text | None = None
    latitude: _Degrees | None = None
    longitude: _Degrees | None = None
    purpose: _Text | None = None
    group_id: _Id | None = None
    audio: bool = False

    def draft(self) -> ChannelDraft:
        """As the register takes it."""
        return ChannelDraft(
            name=self.name,
            input=self.input,
            place=self.place or "",
            latitude=self.latitude,
            longitude=self.longitude,
            purpose=self.purpose,
            group_id=None if self.group_id is None else GroupId(self.group_id),
            audio=self.audio,
        )


class AddDeviceBody(DeviceBody):
    """A device to add, with a channel for each input that shall be recorded."""

    channels: Annotated[list[ChannelBody], Field(min_length=1, max_length=64)]


class EncoderBody(_Shape):
    """How a stream shall be encoded."""

    codec: Literal["h264", "h265", "jpeg"] = "h264"
    width_px: Annotated[int, Field(ge=16, le=16384)] = 640
    height_px: Annotated[int, Field(ge=16, le=16384)] = 360
    fps: Annotated[float, Field(gt=0, le=120, allow_inf_nan=False)] = 5.0
    is_variable_bitrate: bool = True
    gop_s: Annotated[float, Field(ge=0.1, le=10, allow_inf_nan=False)] = 2.0
    bitrate_bps: Annotated[int, Field(ge=8_000, le=200_000_000)] | None = None


class DesiredBody(_Shape):
    """What is wanted of a device; a stream that is null is left as it is."""

    sub: EncoderBody | None = EncoderBody()
    main: EncoderBody | None = None
    clock: bool = True
    ntp_server: Annotated[str, Field(max_length=255)] | None = None

    def settings(self) -> DesiredSettings:
        """As the register takes it."""
        return DesiredSettings(_wish(self.sub), _wish(self.main), self.clock, self.ntp_server)


class DeviceChangeBody(_Shape):
    """What becomes of a device; what is left out stays, null empties."""

    address: Annotated[str, Field(max_length=4096)] | None = None
    username: _Text | None = None
    password: Annotated[SecretStr, Field(max_length=1024)] | None = None
    tls_fingerprint: Annotated[str, Field(max_length=200)] | None = None
    transport: Literal["auto", "tcp", "udp"] | None = None
    desired: DesiredBody | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "DeviceChangeBody":
        if not self.model_fields_set:
            raise ValueError("give at least one field")
        for name in ("address", "transport", "desired"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null")
        return self

    def change(self) -> DeviceChange:
        """As the register takes it."""
        given = self.model_fields_set
        return DeviceChange(
            address=self.address if self.address is not None else KEEP,
            username=self.username if "username" in given else KEEP,
            password=secret_of(self.password) if "password" in given else KEEP,
            tls_fingerprint=self.tls_fingerprint if "tls_fingerprint" in given else KEEP,
            transport=Transport(self.transport) if self.transport is not None else KEEP,
            desired=self.desired.settings() if self.desired is not None else KEEP,
        )


class PlaceChange(_Shape):
    """What becomes of a channel, beside its name; what is left out stays, null empties."""

    audio: bool | None = None
    place: _Text | None = None
    purpose: _Text | None = None
    group_id: _Id | None = None
    keep_hours: _Hours | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "PlaceChange":
        if not self.model_fields_set:
            raise ValueError("give at least one field")
        if "audio" in self.model_fields_set and self.audio is None:
            raise ValueError("audio cannot be null")
        return self

    def change(self) -> ChannelChange:
        """As the register takes it."""
        given = self.model_fields_set
        return ChannelChange(
            audio=KEEP if self.audio is None else self.audio,
            place=self.place if "place" in given else KEEP,
            purpose=self.purpose if "purpose" in given else KEEP,
            group_id=_group(self.group_id) if "group_id" in given else KEEP,
            keep_hours=self.keep_hours if "keep_hours" in given else KEEP,
        )


class CameraChange(PlaceChange):
    """What becomes of one channel."""

    name: _Text | None = None
    latitude: _Degrees | None = None
    longitude: _Degrees | None = None

    @model_validator(mode="after")
    def _has_a_name(self) -> "CameraChange":
        if "name" in self.model_fields_set and self.name is None:
            raise ValueError("name cannot be null")
        return self

    def change(self) -> ChannelChange:
        """As the register takes it."""
        given = self.model_fields_set
        return ChannelChange(
            name=KEEP if self.name is None else self.name,
            audio=KEEP if self.audio is None else self.audio,
            place=self.place if "place" in given else KEEP,
            latitude=self.latitude if "latitude" in given else KEEP,
            longitude=self.longitude if "longitude" in given else KEEP,
            purpose=self.purpose if "purpose" in given else KEEP,
            group_id=_group(self.group_id) if "group_id" in given else KEEP,
            keep_hours=self.keep_hours if "keep_hours" in given else KEEP,
        )


class ChannelsChange(_Shape):
    """The same change for several channels."""

    ids: Annotated[list[_Id], Field(min_length=1, max_length=BULK_LIMIT)]
    change: PlaceChange


class GroupBody(_Shape):
    """A group to make."""

    name: _Text
    parent_id: _Id | None = None


class GroupChange(_Shape):
    """What becomes of a group; a parent that is null puts it at the root."""

    name: _Text | None = None
    parent_id: _Id | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "GroupChange":
        if self.name is None and "parent_id" not in self.model_fields_set:
            raise ValueError("give name, parent_id or both")
        return self


class CsvBody(_Shape):
    """A table of devices as text."""

    csv: Annotated[str, Field(max_length=64 * 1024)]


class CsvLinesBody(CsvBody):
    """Some of its lines, to try and add now."""

    lines: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=IMPORT_AT_ONCE)]


class MoveBody(_Shape):
    """Continuous movement; stops by itself."""

    pan: _Speed = 0.0
    tilt: _Speed = 0.0
    zoom: _Speed = 0.0
    for_s: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 1.0


class SteerBody(_Shape):
    """One thing to do with a camera that moves."""

    move: MoveBody | None = None
    stop: Literal[True] | None = None
    preset: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    keep: Annotated[str, Field(min_length=1, max_length=64)] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> "SteerBody":
        if sum(one is not None for one in (self.move, self.stop, self.preset, self.keep)) != 1:
            raise ValueError("give one of move, stop, preset and keep")
        return self


def secret_of(word: SecretStr | None) -> Secret | None:
    """Pydantic's secret as ours."""
    return None if word is None else Secret(word.get_secret_value())


def _wish(body: EncoderBody | None) -> EncoderWish | None:
    return None if body is None else EncoderWish(**body.model_dump())


def _group(group_id: UUID | None) -> GroupId | None:
    return None if group_id is None else GroupId(group_id)
