"""What the calls of the site need from elsewhere: pages of settings, the authority, the simulated town."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from civiscope.base import AppError, ErrorKind
from civiscope.security import Principal


@dataclass(frozen=True, slots=True)
class PageState:
    """One page of settings: its form, its value, and who changed it last (None: nobody yet)."""

    name: str
    title: str
    schema: Mapping[str, object]
    value: Mapping[str, object]
    schema_version: int
    changed_us: int | None
    changed_by: str


class FieldError(AppError):
    """Fields of a form that do not fit; each with words for the person who typed it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        told = "; ".join(f"{name}: {words}" for name, words in fields.items())
        super().__init__(ErrorKind.INVALID, f"Some fields do not fit. {told}")
        self.fields = dict(fields)

    def __reduce__(self) -> tuple[type["FieldError"], tuple[dict[str, str]]]:  # type: ignore[override]  # other args
        return (FieldError, (self.fields,))


class SettingsPages(Protocol):
    """The pages of settings."""

    @property
    def first_run_done(self) -> bool:
        """The wizard is over."""
        ...

    def pages(self) -> list[PageState]:
        """All pages."""
        ...

    async def change(
        self, key: str, value: Mapping[str, object], by: Principal, from_where: str
    ) -> PageState:
        """Replace one page, with its audit entry."""
        ...

    async def finish_first_run(self, by: Principal, from_where: str) -> None:
        """The wizard does not come again."""
        ...


@dataclass(frozen=True, slots=True)
class AuthorityState:
    """The site's certificate authority as a person compares it on a phone."""

    certificate_pem: bytes
    certificate_der: bytes
    fingerprint_sha256: str
    """64 small hexadecimal digits."""
    not_after_us: int
    names: tuple[str, ...]
    """Names and addresses in the server's certificate now."""


class AuthorityDesk(Protocol):
    """The site's authority, now; it may be made anew while the server runs."""

    def state(self) -> AuthorityState:
        """Certificate, fingerprint, names."""
        ...


@dataclass(frozen=True, slots=True)
class TownCamera:
    """A camera of the simulated town."""

    name: str
    address: str
    """rtsp:// address."""
    onvif_address: str
    """Empty where it speaks no ONVIF."""


@dataclass(frozen=True, slots=True)
class TownState:
    """How the simulated town stands: `absent`, `starting` or `running`."""

    state: str
    cameras: tuple[TownCamera, ...]


class TownDesk(Protocol):
    """The simulated town of a first look."""

    async def state(self) -> TownState:
        """Whether it runs, and its cameras."""
        ...

    async def start(self) -> TownState:
        """Start it; nothing happens where it runs already. UNAVAILABLE when nobody can."""
        ...
