"""Pages of settings that people change while the product runs: what each holds, and its rules.

`civiscope.toml` is the machine's; what stands here is the site's and lies in the server's database. The
file's words are first values only.
"""

import ipaddress
import re
from typing import Annotated, ClassVar, Literal
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from civiscope.analytics import BUILTIN_NAME, shipped_entries
from civiscope.app.settings import Settings
from civiscope.base import AppError
from civiscope.devices import KEEP_LIMIT_HOURS, PRIVATE_NETWORKS, DeviceGate, GateRules

_PURPOSE_TIME = re.compile(r"([a-z][a-z0-9_]{1,62})\s*=\s*([0-9]{1,6}(?:\.[0-9]{1,3})?)")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MAIL_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"
)
"""Plain ones (HTML, `<input type=email>`): no quotes, comments, lists or line ends."""


class Page(BaseModel):
    """One page; its JSON schema is the form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: ClassVar[str]
    heading: ClassVar[str]
    schema_version: ClassVar[int] = 1


class SitePage(Page):
    """What this place is called, how browsers reach it, which clock and which law it goes by."""

    key: ClassVar[str] = "site"
    heading: ClassVar[str] = "Site"

    name: Annotated[
        str,
        Field(title="Site name", min_length=1, max_length=80, description="What people call this place."),
    ] = "Civiscope"
    host_name: Annotated[
        str,
        Field(
            title="Host name",
            max_length=253,
            description="The name that desks and phones type, such as cameras.town.example or "
            "civiscope.local. The certificate is made for it; passkeys need one, an address will not do.",
        ),
    ] = ""
    time_zone: Annotated[
        str,
        Field(
            title="Time zone",
            json_schema_extra={"format": "time-zone"},
            description="Days begin by it, on the timeline and in reports.",
        ),
    ] = "UTC"
    jurisdiction: Annotated[
        Literal["eu_general", "strictest"],
        Field(
            title="Jurisdiction",
            description="Which rules of law the site starts from; the stricter one when in doubt.",
        ),
    ] = "strictest"

    @field_validator("name")
    @classmethod
    def _readable(cls, value: str) -> str:
        tidy = " ".join(value.split())
        if not tidy or not tidy.isprintable():
            raise ValueError("the name needs letters that can be read")
        return tidy

    @field_validator("host_name")
    @classmethod
    def _a_name(cls, value: str) -> str:
        name = value.strip().rstrip(".").lower()
        if not name:
            return ""
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            labels = name.split(".")
            if all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit():
                return name
            raise ValueError(
                "write a host name in letters a to z, digits and hyphens, such as cameras.town.example, "
                "without https:// and without a port"
            ) from None
        raise ValueError("an IP address is no host name; leave it empty, the address works without")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("choose a time zone of the list, such as Europe/Sofia") from error
        return value


class DevicesPage(Page):
    """Where devices may stand, and whether they are looked after."""

    key: ClassVar[str] = "devices"
    heading: ClassVar[str] = "Devices"

    networks: Annotated[
        tuple[Annotated[str, Field(max_length=64)], ...],
        Field(
            title="Networks where devices may stand",
            max_length=64,
            description="As CIDR, such as 10.20.0.0/16. Nothing outside them is connected to for a device.",
        ),
    ] = PRIVATE_NETWORKS
    checks_every_hour: Annotated[
        bool,
        Field(
            title="Compare settings every hour",
            description="Cameras are asked whether their settings are still as wanted; nothing is written.",
        ),
    ] = True

    @field_validator("networks")
    @classmethod
    def _written_as_cidr(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            DeviceGate(GateRules(value))
        except AppError as error:
            raise ValueError(error.message) from error
        return value


class RecordingPage(Page):
    """For how long recordings are kept."""

    key: ClassVar[str] = "recording"
    heading: ClassVar[str] = "Recording"

    keep_hours: Annotated[
        float,
        Field(
            title="Keep recordings for, in hours",
            ge=1,
            le=KEEP_LIMIT_HOURS,
            description="Then they are deleted for good, with their keys; not while a hold protects them. "
            "A camera can have a time of its own.",
        ),
    ] = 72
    purpose_hours: Annotated[
        tuple[Annotated[str, Field(max_length=100)], ...],
        Field(
            title="Other times by purpose",
            max_length=64,
            description="One a line: the purpose's id, =, hours; such as public_safety = 48. It is for "
            "cameras of that purpose without a time of their own.",
        ),
    ] = ()

    @field_validator("purpose_hours")
    @classmethod
    def _can_be_read(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        tidy = [f"{purpose} = {hours:g}" for purpose, hours in map(_purpose_time, value)]
        names = [one.partition(" ")[0] for one in tidy]
        if len(set(names)) != len(names):
            raise ValueError("a purpose stands there twice")
        return tuple(tidy)

    def hours_by_purpose(self) -> dict[str, float]:
        """Purpose's id → hours."""
        return dict(map(_purpose_time, self.purpose_hours))


class AuditPage(Page):
    """Who else keeps the heads of the audit, so that nobody here can rewrite it unnoticed."""

    key: ClassVar[str] = "audit"
    heading: ClassVar[str] = "Audit"

    send_to: Annotated[
        tuple[Annotated[str, Field(max_length=300)], ...],
        Field(
            title="Send the day's audit head to",
            max_length=8,
            description="file:/mnt/elsewhere/heads, mailto:officer@town.example, or https://other-node:8443",
        ),
    ] = ()
    mail_server: Annotated[
        str, Field(title="Mail server", max_length=255, description="host:port, for mailto: above")
    ] = ""
    mail_from: Annotated[str, Field(title="Sender of the mail", max_length=255)] = ""

    @field_validator("send_to")
    @classmethod
    def _known_kinds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not one.startswith(("file:/", "mailto:", "https://")):
                raise ValueError(f"'{one}' begins with none of file:/, mailto: and https://")
            if not _can_be_sent_to(one):
                raise ValueError(f"'{one}' names no folder, no single mail address, or no host: check it")
        return value

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str) -> str:
        if value and not _MAIL_ADDRESS.fullmatch(value):
            raise ValueError("write one plain mail address, such as civiscope@town.example")
        return value


class SeeingPage(Page):
    """What looks at the pictures."""

    key: ClassVar[str] = "seeing"
    heading: ClassVar[str] = "Seeing"

    detector: Annotated[
        str,
        Field(
            title="Detector",
            max_length=64,
            description="The name of a model, as Health lists them; empty: the best one that is installed.",
        ),
    ] = ""

    @field_validator("detector")
    @classmethod
    def _known_model(cls, value: str) -> str:
        known = [BUILTIN_NAME, *(entry.name for entry in shipped_entries() if entry.task == "objects")]
        if value and value not in known:
            raise ValueError(f"there is no such detector; there are: {', '.join(known)}")
        return value


PAGES: tuple[type[Page], ...] = (SitePage, DevicesPage, RecordingPage, SeeingPage, AuditPage)


def first_pages(settings: Settings) -> dict[str, Page]:
    """Every page as the file says it, before anybody changed it."""
    hosts = [host for host in settings.server.hosts if _is_name(host)]
    site = {"name": settings.site.name, "time_zone": settings.site.time_zone, "host_name": (hosts or [""])[0]}
    return {
        SitePage.key: SitePage.model_validate(site),
        DevicesPage.key: DevicesPage(networks=settings.devices.networks),
        RecordingPage.key: RecordingPage(keep_hours=max(1, settings.recording.retention_hours)),
        SeeingPage.key: SeeingPage(),
        AuditPage.key: AuditPage(),
    }


def _purpose_time(line: str) -> tuple[str, float]:
    """ValueError in plain words."""
    found = _PURPOSE_TIME.fullmatch(line.strip())
    hours = float(found[2]) if found else 0.0
    if found is None or not 1 <= hours <= KEEP_LIMIT_HOURS:
        raise ValueError(f"'{line}' is not written as public_safety = 48, with 1 to {KEEP_LIMIT_HOURS} hours")
    return found[1], hours


def _can_be_sent_to(target: str) -> bool:
    """What a courier can read: one who stumbles over the settings would stop the server at each start."""
    scheme, _, rest = target.partition(":")
    if not target.isprintable() or "%00" in target:
        return False
    if scheme == "mailto":
        return _MAIL_ADDRESS.fullmatch(unquote(rest.partition("?")[0])) is not None
    try:
        parts = urlsplit(target)
        is_whole = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return bool(parts.hostname) and is_whole if scheme == "https" else not parts.netloc


def _is_name(host: str) -> bool:
    try:
        return bool(SitePage(host_name=host).host_name)
    except ValueError:
        return False
