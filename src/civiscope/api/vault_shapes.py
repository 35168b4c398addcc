"""What comes in for the vault."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

_Passphrase = Annotated[SecretStr, Field(min_length=1, max_length=1024)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class UnlockBody(_Shape):
    """The passphrase, or the PIN of the token."""

    passphrase: _Passphrase


class PassphraseBody(_Shape):
    """A new passphrase; with the present one, if there is one."""

    old: _Passphrase | None = None
    new: _Passphrase
