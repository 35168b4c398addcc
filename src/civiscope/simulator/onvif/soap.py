"""SOAP 1.2 without sockets: bytes to a request value, nodes to bytes (W3C SOAP 1.2 Part 1)."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from civiscope.base import ProtocolError

NAMESPACES = {
    "env": "http://www.w3.org/2003/05/soap-envelope",
    "ter": "http://www.onvif.org/ver10/error",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "timg": "http://www.onvif.org/ver20/imaging/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "tns1": "http://www.onvif.org/ver10/topics",
    "wsd": "http://schemas.xmlsoap.org/ws/2005/04/discovery",
    "wsa4": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "dn": "http://www.onvif.org/ver10/network/wsdl",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
    "xsd": "http://www.w3.org/2001/XMLSchema",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
"""The prefixes that nodes are written with."""
REQUEST_LIMIT_BYTES = 256 * 1024
_DEPTH_LIMIT = 64
_ELEMENT_LIMIT = 10_000
_PASSWORD_DIGEST = "#PasswordDigest"  # noqa: S105  the name of a kind


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that stand in an answer as they are; they declare their own namespaces."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Node:
    """An element to write; `name` has a prefix of `NAMESPACES`."""

    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    content: tuple["Content", ...] = ()


Content: TypeAlias = Node | Raw | str


def node(name: str, *content: Content | None, **attributes: str) -> Node:
    """An element; None among the content is left out, text is escaped when written."""
    kept = tuple(one for one in content if one is not None)
    return Node(name, tuple((key, value) for key, value in attributes.items()), kept)


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """The proof of WS-UsernameToken (OASIS WSS UsernameToken Profile 1.0 §3.1)."""

    username: str
    password: str
    """A digest in base64, or the password itself."""
    is_digest: bool
    nonce: bytes
    created: str


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """One request as it came: the operation's element and what its header says."""

    namespace: str
    operation: str
    """Local name of the first element of the body."""
    body: Element
    token: UsernameToken | None = None
    action: str = ""
    message_id: str = ""


class SoapFault(Exception):  # noqa: N818  SOAP's own noun
    """The refusal of a request (ONVIF Core §5.8.2); `subcodes` have a prefix of `NAMESPACES`."""

    def __init__(self, reason: str, *subcodes: str, is_ours: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.subcodes = subcodes
        self.is_ours = is_ours
        """env:Receiver: the device's fault, not the asker's."""


def invalid(reason: str, subcode: str) -> SoapFault:
    """ter:InvalidArgVal with a second subcode such as ter:NoProfile."""
    return SoapFault(reason, "ter:InvalidArgVal", subcode)


# -- reading


def parse_xml(data: bytes, limit_bytes: int = REQUEST_LIMIT_BYTES) -> Element:
    """The root element, names as `{namespace}local`; a document type, thus any entity, is refused.

    Raises ProtocolError for everything else too: not well formed, too large, too deep, too many elements.
    """
    if len(data) > limit_bytes:
        raise ProtocolError(f"XML of {len(data)} bytes is longer than {limit_bytes}")
    reader = _Reader()
    try:
        return reader.read(data)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise ProtocolError(f"not well-formed XML: {error}") from error


class _Reader:
    """Expat into a tree, with limits; one document each."""

    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._depth = 0
        self._count = 0

    def read(self, data: bytes) -> Element:
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_document_type
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._builder.data
        parser.Parse(data, True)
        return self._builder.close()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._count += 1
        if self._depth > _DEPTH_LIMIT or self._count > _ELEMENT_LIMIT:
            raise ProtocolError("XML with more elements than any request has")
        self._builder.start(_braced(name), {_braced(key): value for key, value in attributes.items()})

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._builder.end(_braced(name))


def _braced(name: str) -> str:
    return "{" + name if "}" in name else name


def _refuse_document_type(*_: object) -> None:
    raise ProtocolError("XML with a document type is refused: SOAP has none")


def parse_soap(data: bytes) -> SoapRequest:
    """One SOAP 1.2 request; raises ProtocolError when it is none."""
    envelope = parse_xml(data)
    if envelope.tag != qualified("env:Envelope"):
        raise ProtocolError("not a SOAP 1.2 envelope")
    body = envelope.find(qualified("env:Body"))
    if body is None or len(body) == 0:
        raise ProtocolError("a SOAP envelope without a body")
    operation = body[0]
    namespace, local = split_name(operation.tag)
    header = envelope.find(qualified("env:Header"))
    return SoapRequest(
        namespace,
        local,
        operation,
        _token(header),
        _addressing(header, "Action"),
        _addressing(header, "MessageID"),
    )


def _addressing(header: Element | None, name: str) -> str:
    for prefix in ("wsa", "wsa4"):
        found = header.find(qualified(f"{prefix}:{name}")) if header is not None else None
        if found is not None:
            return (found.text or "").strip()
    return ""


def _token(header: Element | None) -> UsernameToken | None:
    found = next(header.iter(qualified("wsse:UsernameToken")), None) if header is not None else None
    if found is None:
        return None
    password = found.find(qualified("wsse:Password"))
    nonce = found.findtext(qualified("wsse:Nonce"), "").strip()
    try:
        nonce_bytes = base64.b64decode(nonce, validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError("the nonce of the user name token is no base64") from None
    return UsernameToken(
        found.findtext(qualified("wsse:Username"), "").strip(),
        "" if password is None else (password.text or "").strip(),
        password is not None and password.get("Type", "").endswith(_PASSWORD_DIGEST),
        nonce_bytes,
        found.findtext(qualified("wsu:Created"), "").strip(),
    )


def qualified(name: str) -> str:
    """`tt:Name` as `{http://www.onvif.org/ver10/schema}Name`."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def split_name(tag: str) -> tuple[str, str]:
    """`{namespace}local` as its two parts; no namespace is empty."""
    namespace, found, local = tag.rpartition("}")
    return (namespace[1:], local) if found else ("", tag)


# -- writing


def write_envelope(
    body: Sequence[Content], header: Sequence[Content] = (), omits: frozenset[str] = frozenset()
) -> bytes:
    """A SOAP 1.2 message in UTF-8; elements whose local name is in `omits` are left out whole."""
    root = node("env:Envelope", node("env:Header", *header) if header else None, node("env:Body", *body))
    text = b"".join(_written(root, omits))
    declared = "".join(
        f" xmlns:{prefix}={quoteattr(space)}"
        for prefix, space in NAMESPACES.items()
        if f"{prefix}:".encode() in text
    )
    start = b"<env:Envelope"
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + start + declared.encode() + text[len(start) :]


def _written(content: Content, omits: frozenset[str]) -> Iterator[bytes]:
    if isinstance(content, Raw):
        yield content.data
        return
    if isinstance(content, str):
        yield escape(content).encode()
        return
    if content.name.partition(":")[2] in omits:
        return
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in content.attributes)
    yield f"<{content.name}{attributes}>".encode()
    for one in content.content:
        yield from _written(one, omits)
    yield f"</{content.name}>".encode()


def fault_node(fault: SoapFault) -> Node:
    """env:Fault with its nested subcodes (SOAP 1.2 §5.4)."""
    subcode: Node | None = None
    for code in reversed(fault.subcodes):
        subcode = node("env:Subcode", node("env:Value", code), subcode)
    side = "env:Receiver" if fault.is_ours else "env:Sender"
    reason = Node("env:Text", (("xml:lang", "en"),), (fault.reason,))
    return node("env:Fault", node("env:Code", node("env:Value", side), subcode), node("env:Reason", reason))
