"""A camera's pictures by HTTP as a value machine: bytes and times in, requests and JPEG pictures out.

One request that never ends (multipart/x-mixed-replace), or one picture at a time asked for again and again.
Redirects are not followed. The caller connects, moves bytes, and calls `tick` now and then.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from civiscope.base import ProtocolError
from civiscope.media.wire.auth import BasicChallenge, Credentials
from civiscope.media.wire.depacketizer import MAX_UNIT_BYTES
from civiscope.media.wire.http import HttpBody, HttpEnd, HttpEvent, HttpHead, HttpParser, write_get
from civiscope.media.wire.multipart import START_OF_IMAGE, MultipartParser, boundary_of
from civiscope.media.wire.prover import Prover, Verdict
from civiscope.media.wire.session import Ended, EndReason, without_user_info

POLL_EVERY_US = 200_000
"""A camera that gives one picture for a request is asked at most five times a second."""
_TARGET_SAFE = "!$%&'()*+,-./:;=?@[]_~|"
_PICTURES = frozenset({"image/jpeg", "image/jpg", "image/pjpeg"})


@dataclass(frozen=True, slots=True)
class HttpPicture:
    """One JPEG file, as the camera sent it."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PictureUnchanged:
    """Asked again, the camera said that its picture is still the last one (304)."""


@dataclass(frozen=True, slots=True)
class ConnectionNeeded:
    """Close this connection; open another when `wants_connection`, then call `connected`."""


PictureEvent = HttpPicture | PictureUnchanged | ConnectionNeeded | Ended


class PictureClient:
    """Never raises for what a camera sends: a broken peer gives `Ended`. `now_us` is monotonic."""

    def __init__(self, url: str, credentials: Credentials | None, answer_timeout_us: int) -> None:
        parts = urlsplit(without_user_info(url))
        self.date = ""
        """The Date header of the first answer: what the camera's clock shows."""
        self.is_ended = False
        self.is_polling = False
        """The camera gives single pictures."""
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._target = quote(target, safe=_TARGET_SAFE)
        self._host = parts.netloc
        self._is_tls = parts.scheme == "https"
        self._answer_timeout_us = answer_timeout_us
        self._prover = Prover(credentials)
        self._parser = HttpParser()
        self._out = bytearray()
        self._head: HttpHead | None = None
        self._parts: MultipartParser | None = None
        self._single = bytearray()
        self._is_connected = False
        self._asked_us: int | None = None
        """When the request now under way was sent; None between requests."""
        self._is_answered = False
        """The last answer came to its end."""
        self._asked_again = False
        self._had_proof = False
        self._tries = 0
        self._due_us = 0
        self._known: tuple[tuple[str, str], ...] = ()

    @property
    def sends_password_in_clear(self) -> bool:
        """The camera offers only Basic on an open connection: whoever listens can read the password."""
        return isinstance(self._prover.challenge, BasicChallenge) and not self._is_tls

    @property
    def is_described(self) -> bool:
        """The camera answered that pictures follow."""
        return self._parts is not None or self.is_polling

    def wants_connection(self, now_us: int) -> bool:
        """There is something to ask, and nothing to ask it on."""
        return not self._is_connected and not self.is_ended and now_us >= self._due_us

    def connected(self, now_us: int) -> None:
        """A fresh connection stands; asks at once."""
        self._is_connected = True
        self._parser = HttpParser()
        self._ask(now_us)

    def outgoing(self) -> bytes:
        """What to send now; it is handed out once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes | memoryview, now_us: int) -> list[PictureEvent]:
        """Take what the camera sent."""
        return self._guarded(lambda: self._parser.feed(data), now_us)

    def closed(self, now_us: int) -> list[PictureEvent]:
        """The camera ended the connection."""
        events: list[PictureEvent] = []
        if self.is_ended:
            return events
        is_idle, self._is_connected = self._is_answered and self._parts is None, False
        if is_idle:
            return events
        if self._asked_us is not None and self.is_polling and not self._asked_again:
            self._asked_again = True  # it closed a kept connection just when we asked on it
            self._asked_us, self._due_us = None, now_us
            return events
        try:
            for event in self._parser.end():
                self._handle(event, now_us, events)
        except ProtocolError:
            pass  # cut inside something: the same as closed
        if not self.is_ended and not self._is_answered:
            self._end(EndReason.CLOSED, "The camera ended the connection.", events)
        return events

    def tick(self, now_us: int) -> list[PictureEvent]:
        """Let time pass: asks for the next picture when due, ends when an answer is overdue."""
        events: list[PictureEvent] = []
        if self.is_ended or not self._is_connected:
            return events
        if self._is_answered and self._parts is None and now_us >= self._due_us:
            self._ask(now_us)
        elif self._asked_us is not None and now_us - self._asked_us > self._answer_timeout_us:
            self._end(EndReason.TIMEOUT, "The camera did not answer the request for its pictures.", events)
        return events

    def _ask(self, now_us: int) -> None:
        fields = [
            ("Host", self._host), ("User-Agent", "Civiscope"), ("Accept-Encoding", "identity"),
            ("Accept", "multipart/x-mixed-replace, image/jpeg"),
        ]  # fmt: skip
        proof = self._prover.proof("GET", self._target)
        if proof:
            fields.append(("Authorization", proof))
        self._had_proof = bool(proof)
        self._out += write_get(self._target, [*fields, *self._known])
        self._asked_us, self._is_answered = now_us, False
        self._due_us = now_us + POLL_EVERY_US
        self._head = None

    def _guarded(self, read: Callable[[], list[HttpEvent]], now_us: int) -> list[PictureEvent]:
        events: list[PictureEvent] = []
        if self.is_ended:
            return events
        try:
            for event in read():
                self._handle(event, now_us, events)
                if self.is_ended or not self._is_connected:
                    break
        except ProtocolError as error:
            self._end(EndReason.PROTOCOL, f"{error.message[:1].upper()}{error.message[1:]}.", events)
        return events

    def _handle(self, event: HttpEvent, now_us: int, events: list[PictureEvent]) -> None:
        match event:
            case HttpHead():
                self._on_head(event, now_us, events)
            case HttpBody():
                self._on_body(event.data, events)
            case HttpEnd():
                self._on_end(now_us, events)

    def _on_head(self, head: HttpHead, now_us: int, events: list[PictureEvent]) -> None:
        if self._asked_us is None:
            raise ProtocolError("the camera answers what it was not asked")
        self._head, self._asked_us = head, None
        self.date = self.date or head.headers.get("Date")
        if head.status == 401:
            self._prove(head, now_us, events)
        elif head.status == 304 and self._known:
            events.append(PictureUnchanged())
        elif head.status != 200:
            self._refused(head, events)
        elif head.headers.get("Content-Encoding").strip().lower() not in ("", "identity"):
            self._end(EndReason.UNSUPPORTED, "The camera sends its pictures compressed once more.", events)
        elif head.media_type.startswith("multipart/"):
            self._tries = 0
            self._parts = MultipartParser(boundary_of(head.headers.get("Content-Type")))
        elif head.media_type in _PICTURES:
            self._tries = 0
            self.is_polling = True
            self._single.clear()
            self._known = _conditions(head)
        else:
            kind = head.media_type[:60] or "something of no kind"
            self._end(EndReason.UNSUPPORTED, f"At this address there is {kind}, no picture.", events)

    def _on_body(self, data: bytes, events: list[PictureEvent]) -> None:
        if self._parts is not None:
            events += [HttpPicture(picture) for picture in self._parts.feed(data)]
        elif self.is_polling and self._head is not None and self._head.status == 200:
            self._single += data
            if len(self._single) > MAX_UNIT_BYTES:
                raise ProtocolError("a picture is longer than 16 MiB")

    def _on_end(self, now_us: int, events: list[PictureEvent]) -> None:
        head, self._is_answered = self._head, True
        if self._parts is not None:
            events += [HttpPicture(picture) for picture in self._parts.end()]
            self._end(EndReason.CLOSED, "The camera ended its pictures.", events)
            return
        if self._single:
            picture = bytes(self._single)
            self._single.clear()
            if not picture.startswith(START_OF_IMAGE):
                raise ProtocolError("what the camera calls a picture is no JPEG file")
            self._asked_again = False
            events.append(HttpPicture(picture))
        if head is not None and not head.keeps_connection:
            self._is_connected = False
            events.append(ConnectionNeeded())

    def _prove(self, head: HttpHead, now_us: int, events: list[PictureEvent]) -> None:
        """Ask again with a proof, on a connection of its own: many cameras close after a 401."""
        verdict = self._prover.weigh(head.headers.get_all("WWW-Authenticate"), self._tries, self._had_proof)
        if verdict is not Verdict.TRY:
            self._end(EndReason.AUTHENTICATION, verdict.value, events)
            return
        self._tries += 1
        self._is_connected = False
        self._due_us = now_us
        events.append(ConnectionNeeded())

    def _refused(self, head: HttpHead, events: list[PictureEvent]) -> None:
        words = " ".join(f"{head.status} {head.reason}".split())[:120]
        if 300 <= head.status < 400 and "Location" in head.headers:
            place = without_user_info(head.headers.get("Location"))[:200]
            detail = f"The camera points to another address ({place}); enter that one if you trust it."
            self._end(EndReason.REDIRECTED, detail, events)
        elif head.status == 404:
            self._end(EndReason.REFUSED, "The camera has no pictures at this path (404).", events)
        else:
            self._end(EndReason.REFUSED, f"The camera refused the request: {words}.", events)

    def _end(self, reason: EndReason, detail: str, events: list[PictureEvent]) -> None:
        self.is_ended = True
        events.append(Ended(reason, detail))


def _conditions(head: HttpHead) -> tuple[tuple[str, str], ...]:
    """What the next request says of the picture we have (RFC 9110 §13.1)."""
    told = (
        ("If-None-Match", head.headers.get("ETag")),
        ("If-Modified-Since", head.headers.get("Last-Modified")),
    )
    return tuple(
        (name, value[:200]) for name, value in told if value and value.isascii() and value.isprintable()
    )
