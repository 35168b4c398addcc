"""WS-Discovery as ONVIF uses it (WS-Discovery April 2005 §5, ONVIF Core §7.3): bytes in, values out."""

from dataclasses import dataclass

from civiscope.base import ProtocolError
from civiscope.devices.drivers.onvif.answers import short
from civiscope.devices.drivers.onvif.xml_tree import Node, parse_xml

DATAGRAM_LIMIT_BYTES = 65_536
MATCH_LIMIT = 16
"""Read of one datagram; a device has one, a proxy of a recorder a few."""
ADDRESS_LIMIT = 8
SCOPE_LIMIT = 32
_DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
_ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
PROBED_TYPES = (
    ("NetworkVideoTransmitter", "http://www.onvif.org/ver10/network/wsdl"),
    ("Device", "http://www.onvif.org/ver10/device/wsdl"),
)
"""Asked one by one: a device answers when it is of *all* types of one probe (§5.1)."""


@dataclass(frozen=True, slots=True)
class ProbeMatch:
    """One device as it tells of itself; nothing of it is believed."""

    endpoint: str
    addresses: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProbeMatches:
    """An answer, and the question that it answers."""

    relates_to: str
    matches: tuple[ProbeMatch, ...]


def write_probe(message_id: str, kind: tuple[str, str]) -> bytes:
    """One Probe for one type (`local name`, `namespace`); `message_id` is a `urn:uuid:…`."""
    name, namespace = kind
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        f'xmlns:a="{_ADDRESSING}" xmlns:d="{_DISCOVERY}" xmlns:t="{namespace}"><s:Header>'
        f'<a:Action s:mustUnderstand="1">{_DISCOVERY}/Probe</a:Action><a:MessageID>{message_id}</a:MessageID>'
        f"<a:ReplyTo><a:Address>{_ADDRESSING}/role/anonymous</a:Address>"
        '</a:ReplyTo><a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>'
        "</s:Header>"
        f"<s:Body><d:Probe><d:Types>t:{name}</d:Types></d:Probe></s:Body></s:Envelope>"
    ).encode()


def parse_probe_matches(data: bytes) -> ProbeMatches:
    """ProtocolError for everything that is no ProbeMatches; what is missing in a match leaves it out."""
    if len(data) > DATAGRAM_LIMIT_BYTES:
        raise ProtocolError("the answer to discovery is longer than a datagram")
    root = parse_xml(data)
    found = root.find("Body", "ProbeMatches")
    if root.name != "Envelope" or found is None:
        raise ProtocolError("the datagram is no answer to a probe")
    matches = (_match(node) for node in found.all("ProbeMatch")[:MATCH_LIMIT])
    return ProbeMatches(
        root.value("Header", "RelatesTo")[:256], tuple(match for match in matches if match is not None)
    )


def _match(node: Node) -> ProbeMatch | None:
    endpoint = short(node.value("EndpointReference", "Address"))
    addresses = tuple(dict.fromkeys(node.value("XAddrs").split()))[:ADDRESS_LIMIT]
    if not endpoint or not addresses:
        return None
    scopes = tuple(short(scope) for scope in node.value("Scopes").split()[:SCOPE_LIMIT])
    return ProbeMatch(endpoint, tuple(one for one in addresses if len(one) <= 512), scopes)
