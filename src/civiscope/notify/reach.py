"""Where notifiers may connect to: names are looked up once, the addresses judged, and only those met.

A name that changes its answer between check and connection (DNS rebinding) gains nothing.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from civiscope.base import AppError, ErrorKind
from civiscope.devices import METADATA_ADDRESSES
from civiscope.notify.plugin import Resolve

AUTHORITY_LIMIT_CHARS = 64 * 1024
_ADDRESSES_LIMIT = 8
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class Peer:
    """A machine to connect to: the name that its certificate must have, and addresses that were judged."""

    host: str
    port: int
    addresses: tuple[str, ...]
    is_loopback: bool
    """All of them are this very machine."""
    is_private: bool
    """None of them is of the open internet."""


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """By the machine's own resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def find_peer(host: str, port: int, resolve: Resolve, *, allow_private: bool) -> Peer:
    """Look the name up and judge every answer: one address that may not be met refuses them all."""
    try:
        texts = list(await resolve(host, port))[:_ADDRESSES_LIMIT]
    except (OSError, UnicodeError):
        texts = []
    if not texts:
        raise AppError(
            ErrorKind.UNAVAILABLE,
            f"The name {host} cannot be looked up. Check how it is written, and this machine's name server.",
        )
    met = [_as_met(text, host) for text in texts]
    for text, one in zip(texts, met, strict=True):
        if str(one) in METADATA_ADDRESSES or one.is_multicast or one.is_unspecified:
            raise AppError(ErrorKind.UNAVAILABLE, f"{host} leads to {text}, where nothing is ever sent.")
        if not allow_private and not one.is_global:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"{host} leads to {text}, which is within this site's own networks or this very machine. "
                "If that is meant, switch on allow_private for this target.",
            )
    return Peer(
        host,
        port,
        tuple(texts),
        is_loopback=all(one.is_loopback for one in met),
        is_private=not any(one.is_global for one in met),
    )


def client_tls(authority: str) -> ssl.SSLContext:
    """TLS 1.2 or newer, name and chain checked: by this PEM text alone, or the machine's authorities."""
    try:
        context = ssl.create_default_context(cadata=authority.strip() or None)
    except (ssl.SSLError, ValueError):
        raise AppError(
            ErrorKind.UNAVAILABLE,
            "The authority of this target is no certificate in PEM. Paste the text of a CA certificate.",
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def words_of(error: BaseException) -> str:
    """A failure of socket or TLS in a few words, of ours or of the system: never the peer's own."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _as_met(text: str, host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address whose machine is met: the IPv4 one that an IPv6 address carries (gate of the devices)."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        raise AppError(ErrorKind.UNAVAILABLE, f"The name {host} was looked up to no IP address.") from None
    if isinstance(found, ipaddress.IPv4Address) or str(found) in ("::", "::1"):
        return found
    if found in _TRANSLATED or found in _COMPATIBLE:
        return ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
    return found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None) or found
