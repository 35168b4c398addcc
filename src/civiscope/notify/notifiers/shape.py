"""What the settings of our notifiers have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from civiscope.notify.reach import AUTHORITY_LIMIT_CHARS

AuthorityText = Annotated[
    str,
    Field(
        max_length=AUTHORITY_LIMIT_CHARS,
        title="Own certificate authority",
        description="Text of a CA certificate (PEM) that alone is trusted; empty: those of this machine.",
    ),
]
HostName = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9._:-]+$")]
PortNumber = Annotated[int, Field(ge=1, le=65_535)]


class NotifierSettings(BaseModel):
    """A form: unknown fields are refused, and what was typed shows in no error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def revealed(secret: SecretStr | None) -> str:
    """The secret itself, where it is sent; empty for none."""
    return "" if secret is None else secret.get_secret_value()
