"""A device whose every answer a test writes by hand: a real HTTP server, one body per operation."""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

_ENVELOPE = '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body>{}</e:Body></e:Envelope>'
_FAULT = (
    "<e:Fault><e:Code><e:Value>e:Receiver</e:Value><e:Subcode><e:Value>ter:{}</e:Value></e:Subcode></e:Code>"
    "</e:Fault>"
)
CLOCK = (
    "<GetSystemDateAndTimeResponse><SystemDateAndTime><DateTimeType>Manual</DateTimeType><UTCDateTime><Time>"
    "<Hour>1</Hour><Minute>2</Minute><Second>3</Second></Time><Date><Year>2026</Year><Month>1</Month>"
    "<Day>2</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>"
)
INFORMATION = (
    "<GetDeviceInformationResponse><Manufacturer>Hand</Manufacturer><Model>Made</Model>"
    "</GetDeviceInformationResponse>"
)
Reply = str | Callable[[str], str]
"""A body, or what makes one of the request."""


def services(**addresses: str) -> str:
    """`GetServicesResponse` with these addresses by short name."""
    namespaces = {
        "media": "http://www.onvif.org/ver10/media/wsdl",
        "media2": "http://www.onvif.org/ver20/media/wsdl",
        "events": "http://www.onvif.org/ver10/events/wsdl",
    }
    told = "".join(
        f"<Service><Namespace>{namespaces[name]}</Namespace><XAddr>{url}</XAddr></Service>"
        for name, url in addresses.items()
    )
    return f"<GetServicesResponse>{told}</GetServicesResponse>"


def profile(token: str, encoder: str, size: tuple[int, int]) -> str:
    """A profile of the media service, version 10."""
    configuration = encoder_configuration(encoder, size) if encoder else ""
    return (
        f'<Profiles token="{token}"><Name>{token}</Name><VideoSourceConfiguration token="vs">'
        f"<Name>Lens</Name><SourceToken>source</SourceToken></VideoSourceConfiguration>{configuration}</Profiles>"
    )


def encoder_configuration(token: str, size: tuple[int, int], name: str = "VideoEncoderConfiguration") -> str:
    """An encoder of either version, at 5 fps with a key frame every 2 s."""
    return (
        f'<{name} token="{token}" GovLength="10"><Name>{token}</Name><Encoding>H264</Encoding><Resolution>'
        f"<Width>{size[0]}</Width><Height>{size[1]}</Height></Resolution><Quality>4</Quality><RateControl>"
        "<FrameRateLimit>5</FrameRateLimit><EncodingInterval>1</EncodingInterval><BitrateLimit>512</BitrateLimit>"
        f"</RateControl></{name}>"
    )


@dataclass
class HandMade:
    """Answers what stands in `replies` by operation; what does not stand there is not supported."""

    replies: dict[str, Reply]
    asks_digest: tuple[str, str] | None = None
    """Name and password that HTTP Digest (RFC 7616, MD5) must prove, for every request."""
    port: int = 0
    heard: list[tuple[str, str]] = field(default_factory=list)
    """Operations and requests."""

    def requests(self, operation: str) -> list[str]:
        """Every request of this operation."""
        return [text for name, text in self.heard if name == operation]

    async def answer(self, request: web.Request) -> web.Response:
        """One request."""
        if self.asks_digest and not self._is_proven(request):
            challenge = 'Digest realm="cam", nonce="n1", qop="auth", algorithm=MD5'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge}, text="<html>no</html>")
        text = await request.text()
        found = re.search(r"<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", text)
        operation = found[1] if found else ""
        self.heard.append((operation, text))
        reply = self.replies.get(operation)
        if reply is None:
            return web.Response(status=400, text=_ENVELOPE.format(_FAULT.format("ActionNotSupported")))
        body = reply if isinstance(reply, str) else reply(text)
        return web.Response(text=_ENVELOPE.format(body), content_type="application/soap+xml")

    def _is_proven(self, request: web.Request) -> bool:
        assert self.asks_digest is not None
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', request.headers.get("Authorization", "")))
        if not given:
            return False
        name, password = self.asks_digest
        first = _md5(f"{name}:cam:{password}")
        second = _md5(f"POST:{given['uri']}")
        proof = _md5(f"{first}:n1:{given['nc']}:{given['cnonce']}:auth:{second}")
        return bool(given["username"] == name and given["response"] == proof)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@asynccontextmanager
async def hand_made(
    replies: Mapping[str, Reply], asks_digest: tuple[str, str] | None = None
) -> AsyncIterator[HandMade]:
    """The device on a free port of this machine."""
    device = HandMade(dict(replies), asks_digest)
    application = web.Application()
    application.router.add_post("/{path:.*}", device.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    device.port = runner.addresses[0][1]
    try:
        yield device
    finally:
        await runner.cleanup()
