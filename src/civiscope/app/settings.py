"""Settings of one installation: `civiscope.toml`, then the environment, then flags; each later one wins.

Rooms own small settings of their own; only this room reads them from text and hands each room its part.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from civiscope.base import AppError, ErrorKind
from civiscope.devices import ANY_PORT, PRIVATE_NETWORKS, DeviceGate, GateRules

DEFAULT_LISTEN = "127.0.0.1:8443"
GIB = 1 << 30


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SiteSettings(_Section):
    """`[site]`: what this place is called and which clock its people read."""

    name: Annotated[str, Field(min_length=1, max_length=80)] = "Civiscope"
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"'{value}' is no time zone of the IANA list; write one like 'Europe/Sofia'"
            ) from error
        return value


class ServerSettings(_Section):
    """`[server]`: where the page is served, and by which names it is known."""

    listen: str = DEFAULT_LISTEN
    hosts: tuple[str, ...] = ()

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        split_listen(value)
        return value


class VolumeSettings(_Section):
    """`[[recording.volumes]]`: one of several volumes, a disk each."""

    folder: Path
    """Must be there: a disk that is not mounted is not written beside."""
    quota_gib: Annotated[float, Field(gt=0)] | None = None
    keep_free_gib: Annotated[float, Field(ge=0)] = 1.0


class RecordingSettings(_Section):
    """`[recording]`: where recordings lie and for how long."""

    folder: Path | None = None
    """Default: HOME/volumes/main."""
    volumes: tuple[VolumeSettings, ...] = ()
    """Several instead of `folder`: each stream is on one at a time."""
    retention_hours: Annotated[float, Field(gt=0, le=24 * 366 * 10)] = 72
    quota_gib: Annotated[float, Field(gt=0)] | None = None
    keep_free_gib: Annotated[float, Field(ge=0)] = 1.0

    @model_validator(mode="after")
    def _one_or_several(self) -> "RecordingSettings":
        if self.volumes and {"folder", "quota_gib", "keep_free_gib"} & self.model_fields_set:
            raise ValueError("give folder, quota_gib and keep_free_gib to each of [[recording.volumes]]")
        folders = [one.folder for one in self.volumes]
        if len(set(folders)) != len(folders):
            raise ValueError("two of [[recording.volumes]] have the same folder")
        return self


class DevicesSettings(_Section):
    """`[devices]`: where devices may stand, and what may speak to them."""

    networks: tuple[str, ...] = PRIVATE_NETWORKS
    """CIDR; the first value of the page of settings."""
    loopback: Annotated[str, Field(pattern=r"^(no|any|[1-9][0-9]{0,4}(,[1-9][0-9]{0,4})*)$")] = "no"
    """Devices on this very machine: `no`, `any`, or ports. Port 0 is none: a gate takes it for any."""
    import_folders: tuple[Path, ...] = ()
    """Folders whose media files may be cameras or be imported."""
    drivers: tuple[str, ...] = ("onvif", "rtsp", "mjpeg", "file")
    """The allow-list: drivers not in it are never loaded, installed or not."""

    @field_validator("networks")
    @classmethod
    def _written_as_cidr(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            DeviceGate(GateRules(value))
        except AppError as error:
            raise ValueError(error.message) from error
        return value

    def gate_rules(self, town_ports: tuple[int, ...] = ()) -> GateRules:
        """The gate by these settings, with leave for the simulated town's own ports."""
        if self.loopback == "any":
            return GateRules(self.networks, (ANY_PORT,))
        named = () if self.loopback == "no" else tuple(int(port) for port in self.loopback.split(","))
        return GateRules(self.networks, tuple(sorted({*named, *town_ports})))


class AnalyticsSettings(_Section):
    """`[analytics]`: how much of this machine may look at pictures, and by which plug-ins."""

    threads: Annotated[int, Field(ge=0, le=256)] = 0
    """0: one for each core."""
    main_stream: Literal["key_frames", "full"] = "key_frames"
    """What is decoded of cameras without a small second stream, when their picture is large."""
    plugins: tuple[str, ...] = ("zone", "line")
    """The allow-list: analytics not in it are never loaded, installed or not."""


class EventsSettings(_Section):
    """`[events]`: for how long what happened is kept."""

    retention_hours: Annotated[float, Field(gt=0, le=24 * 366 * 10)] | None = None
    """None: as long as recordings."""


class RulesSettings(_Section):
    """`[rules]`: what rules may do."""

    actions: tuple[str, ...] = ("raise_alarm", "notify", "bookmark", "hold", "record")
    """The allow-list: actions not in it are never loaded, installed or not."""


class VaultSettings(_Section):
    """`[vault]`: who holds the key that the server's private keys lie under."""

    kind: Literal["file", "passphrase", "pkcs11"] = "passphrase"
    """Only `pkcs11` changes anything: the next start with an open vault moves the key into the module."""
    passphrase_file: Path | None = None
    """For unattended starts; readable by its owner alone. Who steals it with the disk opens everything."""
    module: Path | None = None
    """The PKCS #11 library."""
    token: str = "civiscope"  # noqa: S105  a label, no password
    """The token's label."""
    key_label: str = "civiscope-vault"
    pin_file: Path | None = None
    """The token's PIN; readable by its owner alone."""

    @model_validator(mode="after")
    def _module_is_named(self) -> "VaultSettings":
        if self.kind == "pkcs11" and (self.module is None or self.pin_file is None):
            raise ValueError("kind pkcs11 needs module (the PKCS #11 library) and pin_file")
        return self


class PeerSettings(_Section):
    """`[audit.peers."https://other:8443"]`: another node that keeps this node's heads."""

    token_file: Path
    """A token of that node with `audit.read`; readable by its owner alone."""
    authority: Path
    """That node's `authority.pem`: nothing else is trusted."""


class AuditSettings(_Section):
    """`[audit]`: what couriers of heads need and no page should hold."""

    mail_user: str | None = None
    mail_password_file: Path | None = None
    peers: dict[str, PeerSettings] = {}


class NotifySettings(_Section):
    """`[notify]`: what may carry messages out."""

    notifiers: tuple[str, ...] = ("webhook", "mail", "mqtt")
    """The allow-list: notifiers not in it are never loaded, installed or not."""


class LogSettings(_Section):
    """`[log]`."""

    level: Annotated[str, Field(pattern="^(debug|info|warning|error)$")] = "info"


class Settings(_Section):
    """Everything `civiscope.toml` may say."""

    site: SiteSettings = SiteSettings()
    server: ServerSettings = ServerSettings()
    recording: RecordingSettings = RecordingSettings()
    devices: DevicesSettings = DevicesSettings()
    analytics: AnalyticsSettings = AnalyticsSettings()
    events: EventsSettings = EventsSettings()
    rules: RulesSettings = RulesSettings()
    vault: VaultSettings = VaultSettings()
    audit: AuditSettings = AuditSettings()
    notify: NotifySettings = NotifySettings()
    log: LogSettings = LogSettings()


def split_listen(value: str) -> tuple[str, int]:
    """`host:port` or `[v6]:port` as a pair; raises ValueError in plain words."""
    host, separator, port = value.rpartition(":")
    if not separator or not port.isdecimal() or not 0 <= int(port) <= 65_535:
        raise ValueError(f"'{value}' is no host:port; write one like '{DEFAULT_LISTEN}' or '[::]:8443'")
    return host.strip("[]") or "127.0.0.1", int(port)


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    """The data folder: CIVISCOPE_HOME, else civiscope under XDG_DATA_HOME or ~/.local/share."""
    if named := environ.get("CIVISCOPE_HOME"):
        return Path(named).expanduser().absolute()
    base = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser().absolute() / "civiscope"


def load_settings(home: Path, listen: str | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `home/civiscope.toml`, overlay the environment, then the flag.

    Raises AppError(invalid) that names the file, the key and what is wrong with it.
    """
    path = home / "civiscope.toml"
    values = _read_toml(path)
    listen = listen or environ.get("CIVISCOPE_LISTEN")
    if listen:
        values["server"] = {**_section(values, "server", path), "listen": listen}
    if loopback := environ.get("CIVISCOPE_DEVICES_LOOPBACK"):
        values["devices"] = {**_section(values, "devices", path), "loopback": loopback}
    if level := environ.get("CIVISCOPE_LOG"):
        values["log"] = {**_section(values, "log", path), "level": level}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise AppError(ErrorKind.INVALID, _in_words(error, path)) from error


def check_settings(text: str, path: Path) -> None:
    """AppError(invalid), in the words of `load_settings`, if `path` must not hold this text."""
    try:
        Settings.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise AppError(ErrorKind.INVALID, _in_words(error, path)) from error


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AppError(
            ErrorKind.INVALID, f"{path} is not readable as TOML: {error}. Mend or remove it."
        ) from error
    except OSError as error:
        raise AppError(ErrorKind.UNAVAILABLE, f"{path} cannot be read: {error.strerror}.") from error


def _section(values: dict[str, object], name: str, path: Path) -> dict[str, object]:
    section = values.get(name, {})
    if not isinstance(section, dict):
        raise AppError(ErrorKind.INVALID, f"{path}: '{name}' must be a table, written [{name}].")
    return section


def _in_words(error: ValidationError, path: Path) -> str:
    faults = [
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    ]
    return f"settings ({path}, environment, flags): " + "; ".join(faults)
