"""What comes in, as pydantic models; unknown fields are refused, so no typing error is silently ignored."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

TimeUs = Annotated[int, Field(ge=0, le=253_402_300_799_999_999)]
"""Microseconds since 1970-01-01 UTC, up to the end of the year 9999."""
DurationUs = Annotated[int, Field(gt=0, le=3_600_000_000)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SetupBody(_Shape):
    """The first administrator, with the one-time code from the terminal."""

    code: Annotated[SecretStr, Field(max_length=200)]
    name: Annotated[str, Field(max_length=200)]
    password: Annotated[SecretStr, Field(max_length=1024)]


class SignInBody(_Shape):
    """Who signs in; the code where a second factor is asked for."""

    name: Annotated[str, Field(max_length=200)]
    password: Annotated[SecretStr, Field(max_length=1024)]
    code: Annotated[SecretStr, Field(max_length=200)] | None = None


class ProbeBody(_Shape):
    """An address to try."""

    address: Annotated[str, Field(max_length=4096)]
    username: Annotated[str, Field(max_length=1024)] | None = None
    password: Annotated[SecretStr, Field(max_length=1024)] | None = None
    transport: Literal["auto", "tcp", "udp"] = "auto"
    tls_fingerprint: Annotated[str, Field(max_length=200)] | None = None


class CameraBody(ProbeBody):
    """A camera to add."""

    name: Annotated[str, Field(max_length=1024)]
    audio: bool = False


class LookBody(_Shape):
    """What to look at, why, and how."""

    channel_id: Annotated[UUID, Field(strict=False)]
    purpose: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Literal["live", "playback", "export"]
    from_us: TimeUs | None = None
    to_us: TimeUs | None = None
    presentation: Literal["raw", "covered"]
    needs_h264: bool = False

    @model_validator(mode="after")
    def _span_fits_kind(self) -> "LookBody":
        if self.kind == "live":
            if self.from_us is not None or self.to_us is not None:
                raise ValueError("a live look has no from_us and to_us")
        elif self.from_us is None or self.to_us is None:
            raise ValueError(f"a look of kind {self.kind} needs from_us and to_us")
        elif self.to_us <= self.from_us:
            raise ValueError("to_us must be later than from_us")
        return self
