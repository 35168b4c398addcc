"""The grammar of a device's address: five kinds of URL or a bare host, user-info taken out (RFC 3986)."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from civiscope.base import AppError, ErrorKind
from civiscope.devices.gate import METADATA_ADDRESSES
from civiscope.devices.model import clean_credential
from civiscope.security import Secret

ADDRESS_LIMIT_CHARS = 2048
DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "onvif": 80}
"""RFC 2326 §3.2, RFC 7826 §4.2, RFC 9110 §4.2."""
FILE = "file"
BARE = ""
"""The scheme of an address that is a host alone: what it speaks is to be found out."""
ONVIF_SERVICE_PATH = "/onvif/device_service"
"""Where a device's first service stands (ONVIF Core §5.2.1)."""

_SCHEME = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_SECRET_PART = re.compile(
    r"(?P<key>(?:pass|passwd|password|pwd|token|secret|key|auth|sid|session|signature|sig)=)"
    r"[^&;/?]+?(?=_channel=|_stream=|[&;/?]|$)",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?:[^/?#@]*@)?(?:\[[0-9a-fA-F:.%]+\]|[^/?#@:\[\]]+)(?::[0-9]{1,5})?/?")
_IMPORT = re.compile(r"import=([0-9]{1,16})")
_PATH_SAFE = "!$%&'()*+,-./:;=?@[]_~|"


@dataclass(frozen=True, slots=True)
class CameraAddress:
    """A checked address: small scheme and host, no user-info, no fragment."""

    scheme: str
    """`rtsp`, `rtsps`, `http`, `https`, `file`, or `BARE`."""
    host: str
    """A DNS name, or an IP address (IPv6 without brackets); empty for a file."""
    port: int
    """0 for a file, and for a bare host without one."""
    path: str = field(repr=False)
    """Path and query as sent, with the leading slash; empty when none was typed."""

    @property
    def url(self) -> str:
        """The whole address; may hold a secret in its path or query, so it is sealed where that is so."""
        return self._authority() + self.path

    @property
    def file_path(self) -> str:
        """The path alone, still percent-encoded, without what a file's address says of its import."""
        return self.path.partition("?")[0]

    @property
    def import_us(self) -> int | None:
        """When the first picture of an imported file was taken (UTC); None for whatever is live."""
        return import_start_us(self.url)

    @property
    def shown(self) -> str:
        """The address for people and logs: a password or token in path or query is `***`."""
        return self._authority() + _SECRET_PART.sub(r"\g<key>***", self.path)

    @property
    def has_secret(self) -> bool:
        """A password or token stands in the path or query, as some makers ask for."""
        return self.shown != self.url

    @property
    def driver(self) -> str | None:
        """The driver that takes this kind of address; None for a bare host, which must be asked."""
        if self.scheme in {"http", "https"}:
            return "onvif" if self.path.lower().startswith("/onvif/") else "mjpeg"
        return {"rtsp": "rtsp", "rtsps": "rtsp", FILE: "file"}.get(self.scheme)

    def at(self, scheme: str, port: int, path: str) -> "CameraAddress":
        """Another address of the same host."""
        return CameraAddress(scheme, self.host, port, path)

    def _authority(self) -> str:
        if self.scheme == FILE:
            return "file://"
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.scheme == BARE:
            return host + (f":{self.port}" if self.port else "")
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class TypedAddress:
    """An address as typed, taken apart: where the camera is, and what user-info stood in it."""

    address: CameraAddress
    username: str | None
    password: Secret | None


def import_start_us(url: str) -> int | None:
    """`file:///path?import=<µs of UTC>`: imported once, with its own time; None for any other address."""
    path, mark, query = url.partition("?")
    found = _IMPORT.fullmatch(query) if mark and path.startswith(f"{FILE}://") else None
    return int(found[1]) if found else None


def parse_address(text: str) -> TypedAddress:
    """Take a typed address apart; INVALID in plain words, which never repeat what may be a secret."""
    text = text.strip()
    scheme, rest = _split_scheme(text)
    if scheme == FILE:
        return TypedAddress(CameraAddress(FILE, "", 0, _file_path(rest)), None, None)
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    authority, path = rest[:end], rest[end:]
    user_info, at_sign, host_port = authority.rpartition("@")
    host, port = _host_and_port(host_port, scheme)
    username, password = _user_info(user_info) if at_sign else (None, None)
    address = _known_kind(CameraAddress(scheme, host, port, _path(path)))
    return TypedAddress(address, username, password)


def _known_kind(address: CameraAddress) -> CameraAddress:
    """`onvif://` is the device service over HTTP; a bare host has no path."""
    if address.scheme == BARE:
        return address.at(BARE, address.port, "")
    if address.scheme != "onvif":
        return address
    if address.path not in {"", "/"}:
        raise _refuse("An onvif:// address names a host and a port only, like onvif://192.168.1.20:8080.")
    return address.at("http", address.port, ONVIF_SERVICE_PATH)


def _refuse(message: str) -> AppError:
    return AppError(ErrorKind.INVALID, message)


def _split_scheme(text: str) -> tuple[str, str]:
    if not text:
        raise _refuse("The address is empty. Type one like 192.168.1.20 or rtsp://192.168.1.20/stream1.")
    if len(text) > ADDRESS_LIMIT_CHARS:
        raise _refuse(f"The address is longer than {ADDRESS_LIMIT_CHARS} characters. Check what was pasted.")
    if any(
        character.isspace() or unicodedata.category(character) in {"Cc", "Cf", "Cs"} for character in text
    ):
        raise _refuse("The address has a space, a line break or a control character in it. Take it out.")
    match = _SCHEME.fullmatch(text)
    if not match and _is_ipv6(text):
        return BARE, f"[{text}]"
    if not match and _BARE.fullmatch(text):
        return BARE, text
    if not match:
        raise _refuse(
            "The address must be an IP address or name alone, like 192.168.1.20, or start with rtsp://, "
            "rtsps://, onvif://, http:// or https://."
        )
    scheme = match["scheme"].lower()
    if scheme not in {*DEFAULT_PORTS, FILE}:
        raise _refuse(f"Addresses of kind {scheme[:20]}:// are not taken. Type the camera's IP address.")
    return scheme, match["rest"]


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def _file_path(rest: str) -> str:
    """An absolute path without steps upwards; whether there is leave for it is not the grammar's business."""
    if not rest.startswith("/"):
        raise _refuse("A file's address has three slashes and a whole path, like file:///srv/clips/gate.mp4.")
    plain, mark, query = rest.partition("?")
    path = _path(plain)
    steps = unquote_to_bytes(path).split(b"/")
    if b".." in steps or b"\0" in unquote_to_bytes(path) or (mark and not _IMPORT.fullmatch(query)):
        raise _refuse(
            "A file's address has a plain path, without .. in it, and nothing after ? but import=, the "
            "microseconds since 1970 at which its first picture was taken."
        )
    return path + mark + query


def _host_and_port(text: str, scheme: str) -> tuple[str, int]:
    if text.startswith("["):
        inside, bracket, after = text[1:].partition("]")
        if not bracket or (after and not after.startswith(":")):
            raise _refuse(
                "The IPv6 address in the address is not closed by ]. Write it like rtsp://[fd00::20]/."
            )
        return _ip(inside, 6), _port(after[1:] if after else None, scheme)
    host, colon, port = text.partition(":")
    return _host(host), _port(port if colon else None, scheme)


def _port(text: str | None, scheme: str) -> int:
    if text is None:
        return DEFAULT_PORTS.get(scheme, 0)
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise _refuse(
            "The port in the address is not a number from 1 to 65535. If name or password stand in the "
            "address and hold one of / ? # :, write them in their own fields instead."
        )
    return int(text)


def _host(text: str) -> str:
    host = text.lower().removesuffix(".")
    if not host:
        raise _refuse("The address has no host. Type the camera's name or IP address.")
    if not host.isascii():
        raise _refuse(
            "The host in the address has letters outside a to z. Use its IP address or its xn-- name."
        )
    labels = host.split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        return _ip(host, 4)
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refuse(
            "The host in the address is neither a name nor an IP address. Check it for typing errors."
        )
    return host


def _ip(text: str, version: int) -> str:
    try:
        if "%" in text:
            raise ValueError("zone")
        address = ipaddress.IPv4Address(text) if version == 4 else ipaddress.IPv6Address(text)
    except ValueError:
        raise _refuse(
            f"The host in the address is no valid IPv{version} address. Check it for typing errors."
        ) from None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    plain = mapped or address
    if plain.is_unspecified or plain.is_multicast or str(plain) == "255.255.255.255":
        raise _refuse(
            "The IP address in the address does not name one machine. Type the camera's own address."
        )
    if str(plain) in METADATA_ADDRESSES:
        raise _refuse(
            "The IP address in the address belongs to the machine's host. Type the camera's own address."
        )
    return str(address)


def _user_info(text: str) -> tuple[str, Secret]:
    name, _, word = text.partition(":")
    username = clean_credential(_decode(name), "user name in the address")
    return username, Secret(clean_credential(_decode(word), "password in the address"))


def _decode(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise _refuse(
            "The name or password in the address is not readable text. Write them in their own fields."
        ) from None


def _path(text: str) -> str:
    if "#" in text:
        raise _refuse(
            "The address has a # in it. Leave out what follows it; a password with # goes into its own field."
        )
    if any(character in '"<>\\^`{}' for character in text):
        raise _refuse(
            'The address has one of " < > \\ ^ ` { } in it. Write it percent-encoded, as %22 for ".'
        )
    path = quote(text, safe=_PATH_SAFE)
    if len(path) > ADDRESS_LIMIT_CHARS:
        raise _refuse(f"The address is longer than {ADDRESS_LIMIT_CHARS} characters. Check what was pasted.")
    return path
