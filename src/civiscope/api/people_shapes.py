"""What comes in about people: users, grants, passwords, codes, passkeys, tokens; nothing unknown."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from civiscope.api.shapes import TimeUs
from civiscope.security import Permission, Role

_ROLES = Field(max_length=len(Role))
SecretText = Annotated[SecretStr, Field(max_length=1024)]
Code = Annotated[SecretStr, Field(max_length=200)]
Name = Annotated[str, Field(max_length=200)]
RoleName = Annotated[Role, Field(strict=False)]
Id = Annotated[UUID, Field(strict=False)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class InvitationBody(_Shape):
    """A code of an invitation, and the password its person chose."""

    code: Code
    password: SecretText


class PasskeyAnswerBody(_Shape):
    """What a browser's authenticator answered (PublicKeyCredential.toJSON)."""

    ticket: Annotated[str, Field(max_length=64)]
    credential: dict[str, Any]


class NewPasskeyBody(PasskeyAnswerBody):
    """The same, for a passkey to keep."""

    name: Name


class PasswordAgainBody(_Shape):
    """One's own password, asked again."""

    password: SecretText


class PasswordChangeBody(_Shape):
    """One's own password, now and from now on."""

    old: SecretText
    new: SecretText


class FactorCodeBody(_Shape):
    """A code that a phone shows."""

    code: Code


class UserBody(_Shape):
    """Somebody to invite; without a role when rights on parts of the site follow."""

    name: Name
    roles: Annotated[list[RoleName], _ROLES]


class UserChange(_Shape):
    """What to change; at least one field."""

    roles: Annotated[list[RoleName], _ROLES] | None = None
    disabled: bool | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "UserChange":
        if self.roles is None and self.disabled is None:
            raise ValueError("give roles, disabled or both")
        return self


class SpanBody(_Shape):
    """Minutes of a weekday (0 is Monday); an end that is not after the beginning is one of the next day."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    from_minute: Annotated[int, Field(ge=0, le=1439)]
    to_minute: Annotated[int, Field(ge=0, le=1440)]


class ProfileBody(_Shape):
    """A named week."""

    name: Annotated[str, Field(max_length=64)]
    spans: Annotated[list[SpanBody], Field(min_length=1, max_length=50)]


class GrantBody(_Shape):
    """A role on a camera, on a group, or (neither) on the whole site; at times of the week, until a day."""

    role: RoleName
    channel_id: Id | None = None
    group_id: Id | None = None
    profile: ProfileBody | None = None
    from_us: TimeUs | None = None
    until_us: TimeUs | None = None


class TokenBody(_Shape):
    """A token for a program."""

    name: Name
    permissions: Annotated[
        list[Annotated[Permission, Field(strict=False)]], Field(min_length=1, max_length=len(Permission))
    ]
    channel_ids: Annotated[list[Id], Field(max_length=500)] | None = None
    expires_us: TimeUs
