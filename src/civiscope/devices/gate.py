"""The device gate: which addresses of the network this site may open a connection to, for devices.

Whoever may add cameras makes our processes connect; the gate says where to. It judges IP addresses after
names were looked up, so a name that changes its answer (DNS rebinding) gains nothing; redirects are not
followed.
"""

import ipaddress
from dataclasses import dataclass

from civiscope.base import AppError, ErrorKind

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE_NETWORKS = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
    "fc00::/7", "fe80::/10",
)  # fmt: skip
"""RFC 1918, 6598, 3927, 4193, 4291 §2.5.6: where cameras stand unless the site says otherwise."""
METADATA_ADDRESSES = frozenset(
    {
        "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "fd00:ec2::254",
    }
)  # fmt: skip
"""Where hosts of virtual machines hand out credentials; no setting opens them."""
ANY_PORT = 0
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class GateRules:
    """What is allowed; crosses the bus with the recorder's plan."""

    networks: tuple[str, ...] = PRIVATE_NETWORKS
    """CIDR. An empty tuple allows nothing but what `loopback_ports` allows."""
    loopback_ports: tuple[int, ...] = ()
    """Ports of this very machine (127.0.0.0/8, ::1); `ANY_PORT` among them means all. Empty: none."""


class DeviceGate:
    """Judges one connection at a time. Immutable; a change of the rules is a new gate."""

    def __init__(self, rules: GateRules | None = None) -> None:
        """INVALID when a network is not written as CIDR."""
        self.rules = rules or GateRules()
        self._networks = tuple(_network(text) for text in self.rules.networks)

    def check(self, address: str, port: int) -> None:
        """Returns if a device may be met at this IP address and port; else AppError(INVALID)."""
        found = _plain(address)
        if found.is_loopback:
            if {port, ANY_PORT} & set(self.rules.loopback_ports):
                return
            raise _refused(
                f"{address} is this very machine. Devices are met there only with leave: set `loopback` in "
                "[devices] of civiscope.toml, or type the camera's own address."
            )
        carried = _carried(found)
        if _is_no_device(found) or (carried and (carried.is_loopback or _is_no_device(carried))):
            raise _refused(f"{address} is no device's address. Type the camera's own address.")
        if not any(found.version == one.version and found in one for one in self._networks):
            raise _refused(
                f"{address} is outside the networks where this site's devices may stand "
                f"({', '.join(self.rules.networks) or 'none'}). An administrator can allow its network under "
                "Settings, Devices."
            )

    def allows(self, address: str, port: int) -> bool:
        """`check` as a question."""
        try:
            self.check(address, port)
        except AppError:
            return False
        return True


def _plain(address: str) -> IpAddress:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        raise _refused(
            "What the name was resolved to is no IP address. Type the camera's IP address."
        ) from None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _is_no_device(found: IpAddress) -> bool:
    return str(found) in METADATA_ADDRESSES or found.is_multicast or found.is_unspecified


def _carried(found: IpAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a gateway may send us to in its place; None for none.

    Translated (NAT64, RFC 6052 §2.1), tunnelled (6to4, RFC 3056 §2), compatible (RFC 4291 §2.5.5.1).
    """
    if isinstance(found, ipaddress.IPv4Address):
        return None
    if found in _TRANSLATED or found in _COMPATIBLE:
        return ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
    return found.sixtofour


def _network(text: str) -> IpNetwork:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise AppError(
            ErrorKind.INVALID, f"'{text}' is no network. Write it as CIDR, like 10.20.0.0/16 or fd00:20::/32."
        ) from None


def _refused(words: str) -> AppError:
    return AppError(ErrorKind.INVALID, words)
