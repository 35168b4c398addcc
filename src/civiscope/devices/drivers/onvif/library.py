"""The client library (onvif-zeep-async, zeep) as the writer of requests: typed by WSDL, signed, addressed.

What devices answer is read by `answers` and not by the library: its reader is neither bounded nor forgiving.
Importing it calls `logging.basicConfig`; the root logger is put back as it was. Its loggers stay at WARNING,
since below that zeep writes whole requests.
"""

import asyncio
import datetime
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from lxml import etree  # type: ignore[import-untyped]  # no stubs; reads only what we wrote ourselves

from civiscope.base import AppError, ErrorKind
from civiscope.devices.drivers.onvif.xml_tree import DOCUMENT_LIMIT_BYTES, Node, write_xml

_ROOT = (list(logging.root.handlers), logging.root.level)
from onvif.client import (  # type: ignore[import-untyped]  # noqa: E402  # no stubs; see above
    UsernameDigestTokenDtDiff,
    ZeepAsyncClient,
)
from onvif.definition import SERVICES  # type: ignore[import-untyped]  # noqa: E402
from onvif.transport import AsyncSafeTransport  # type: ignore[import-untyped]  # noqa: E402
from onvif.wsa import WsAddressingIfMissingPlugin  # type: ignore[import-untyped]  # noqa: E402
from zeep.settings import Settings  # noqa: E402
from zeep.wsdl import Document  # noqa: E402

logging.root.handlers[:] = _ROOT[0]
logging.root.setLevel(_ROOT[1])
for _name in ("onvif", "zeep", "httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_WSDL_FOLDER = Path(WsAddressingIfMissingPlugin.__init__.__code__.co_filename).parent / "wsdl"
NAMESPACES: dict[str, str] = {name: service["ns"] for name, service in SERVICES.items()}
"""Service names of the library and the namespace of each, as `GetServices` tells it."""
MEDIA2_NAMESPACE = "http://www.onvif.org/ver20/media/wsdl"
"""Not in the library: its WSDL holds version 10 of the media service only."""
_ENVELOPE = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>{}</s:Body></s:Envelope>'
USED = ("devicemgmt", "media", "ptz", "imaging", "events", "pullpoint", "subscription")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long an answer may take, and how long it may be."""

    answer_s: float = 4.0
    answer_bytes: int = DOCUMENT_LIMIT_BYTES


class Post(Protocol):
    """Sends one envelope and gives the answer's body."""

    async def __call__(self, address: str, envelope: bytes, action: str, bounds: Bounds) -> bytes: ...


class _Transport(AsyncSafeTransport):  # type: ignore[misc]  # no stubs: Any
    """Ours for the network, the library's for its own files; it downloads nothing."""

    def __init__(self, post: Post, bounds: Bounds) -> None:
        super().__init__()
        self._post = post
        self._bounds = bounds

    async def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> bytes:
        """`envelope` is an element of lxml."""
        return await self._post(address, _bytes(envelope), _action(headers), self._bounds)


class Documents:
    """The service definitions of the library's own files, read once and shared by all devices."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._documents: dict[str, Document] = {}

    def load(self, service: str) -> Document:
        """Blocks up to 0.2 s the first time; call it from a thread."""
        wsdl = SERVICES[service]["wsdl"]
        with self._lock:
            if wsdl not in self._documents:
                path = str(_WSDL_FOLDER / wsdl)
                self._documents[wsdl] = Document(path, AsyncSafeTransport(), settings=_settings())
            return self._documents[wsdl]

    def load_all(self) -> None:
        """Everything this driver uses; blocks 0.4 s of work. Devices load one by one what they need."""
        for service in USED:
            self.load(service)


@dataclass(frozen=True, slots=True)
class Request:
    """One operation of a service by the library's WSDL."""

    service: str
    """A name of the library, one of `USED`."""
    operation: str
    fields: dict[str, Any] = field(default_factory=dict, repr=False)
    headers: tuple[Node, ...] = ()
    """Reference parameters of a subscription, sent back as they came (WS-Addressing 1.0 §2.2)."""
    bounds: Bounds = Bounds()


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """One operation whose body we write: the media2 service, and configurations sent back edited."""

    action: str
    body: Node


class Writer:
    """Writes requests of one device and posts them; holds its password."""

    def __init__(self, documents: Documents, post: Post, username: str, password: str) -> None:
        self._documents = documents
        self._post = post
        self._username = username
        self._password = password
        self._clients: dict[str, Any] = {}

    async def send(self, request: Request | PlainRequest, address: str, created_us: int | None) -> bytes:
        """The answer's body; `created_us` is the device's time for the signature, None: unsigned.

        INVALID for words that no request can hold.
        """
        try:
            return await self._send(request, address, created_us)
        except ValueError:  # of lxml and zeep; those of the network are troubles already
            raise AppError(
                ErrorKind.INVALID,
                "A name or setting holds a character that cannot be sent to a device. Take it out.",
            ) from None

    async def _send(self, request: Request | PlainRequest, address: str, created_us: int | None) -> bytes:
        token = self._token(created_us)
        if isinstance(request, PlainRequest):
            envelope = etree.fromstring(_ENVELOPE.format(write_xml(request.body)))
            if token is not None:
                envelope, _ = token.apply(envelope, {})
            return await self._post(address, _bytes(envelope), request.action, Bounds())
        client = await self._client(request.service)
        client.wsse = token  # both are used before the call below waits for anything
        client.transport = _Transport(self._post, request.bounds)
        service = SERVICES[request.service]
        proxy = client.create_service(f"{{{service['ns']}}}{service['binding']}", address)
        headers: Sequence[Any] = [etree.fromstring(write_xml(node)) for node in request.headers]
        answer = await getattr(proxy, request.operation)(**request.fields, _soapheaders=list(headers) or None)
        if not isinstance(answer, bytes):  # zeep gives what our transport gave, by `raw_response`
            raise AppError(ErrorKind.INTERNAL, "The client library read an answer itself. Report this.")
        return answer

    async def _client(self, service: str) -> Any:
        if service not in self._clients:
            document = await asyncio.to_thread(self._documents.load, service)
            self._clients[service] = ZeepAsyncClient(
                wsdl=document,
                transport=AsyncSafeTransport(),
                settings=_settings(),
                plugins=[WsAddressingIfMissingPlugin()],
            )
        return self._clients[service]

    def _token(self, created_us: int | None) -> Any:
        if created_us is None or not self._username:
            return None
        created = datetime.datetime.fromtimestamp(created_us // 1_000_000, datetime.UTC).replace(tzinfo=None)
        return UsernameDigestTokenDtDiff(self._username, self._password, created=created, use_digest=True)


def _settings() -> Settings:
    return Settings(
        strict=False, raw_response=True, xml_huge_tree=False, forbid_dtd=True, forbid_entities=True
    )


def _bytes(envelope: Any) -> bytes:
    """`envelope` is an element of lxml."""
    text: bytes = etree.tostring(envelope, encoding="utf-8", xml_declaration=True)
    return text


def _action(headers: dict[str, str]) -> str:
    """SOAP 1.2 has the action in the content type: `application/soap+xml; …; action="…"`."""
    for value in headers.values():
        _, found, rest = value.partition('action="')
        if found:
            return rest.partition('"')[0]
    return ""
