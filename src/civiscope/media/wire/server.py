"""The RTSP server's side of one connection as a value machine, for the simulated camera (RFC 2326)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from civiscope.base import ProtocolError
from civiscope.media.wire.auth import (
    BasicChallenge,
    Challenge,
    Credentials,
    DigestChallenge,
    parse_authorization,
    proof_is_right,
    write_challenge,
)
from civiscope.media.wire.fields import RtpInfo, RtpTransport, TransportField, parse_transport
from civiscope.media.wire.rtsp import RtspHeaders, RtspParser, RtspRequest, RtspResponse, write_response
from civiscope.media.wire.sdp import SessionDescription, write_sdp

METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN")
_REASONS = {
    200: "OK", 301: "Moved Permanently", 302: "Moved Temporarily", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 453: "Not Enough Bandwidth",
    454: "Session Not Found", 455: "Method Not Valid in This State", 461: "Unsupported Transport",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip  # RFC 2326 §7.1.1


class Login(StrEnum):
    """What proof a server asks for."""

    DIGEST = "digest"
    """MD5 with qop=auth."""
    DIGEST_OLD = "digest_old"
    """MD5 without qop (RFC 2617), as many cameras do."""
    DIGEST_SHA256 = "digest_sha256"
    BASIC = "basic"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The same for all connections of one server."""

    users: tuple[Credentials, ...] = ()
    """None means everybody may look."""
    login: Login = Login.DIGEST
    realm: str = "Simulated camera"
    session_timeout_s: int = 60
    udp_ports: tuple[int, int] | None = None
    """Where RTP and RTCP are sent from; None refuses UDP."""
    source: str = ""
    """Told in Transport for UDP."""
    name: str = "Civiscope simulator"


@dataclass(frozen=True, slots=True)
class Manners:
    """How one mount behaves now, beyond what is right; the defaults do nothing odd."""

    refusals: Mapping[str, int] = field(default_factory=dict)
    """Method → status it is answered with."""
    nonce_uses: int = 0
    """After so many requests a nonce is stale; 0 is never."""
    forgets_session: bool = False
    """Answers 454 to what carries a session."""
    refuses_tcp: bool = False
    location: str = ""
    """For a refusal of 3xx."""
    users: tuple[Credentials, ...] | None = field(default=None, repr=False)
    """Who may look at this mount; None: the server's users."""


class Mounts(Protocol):
    """What a server session asks about paths: what follows host and port, without slashes around."""

    def describe(self, path: str) -> SessionDescription | None:
        """What is there, None for nothing."""
        ...

    def manners(self, path: str) -> Manners:
        """How it behaves."""
        ...

    def ssrc(self, path: str, track: int) -> int:
        """The source it will send as."""
        ...

    def position(self, path: str, track: int) -> RtpInfo:
        """Where its next packet stands; the url is filled in by the session; no sequence: none is told."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One track that was set up, and where it is wanted."""

    track: int
    transport: TransportField


@dataclass(frozen=True, slots=True)
class Played:
    """Begin, or go on, to send these."""

    path: str
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Paused:
    """Stop sending; the session stays."""

    path: str


@dataclass(frozen=True, slots=True)
class TornDown:
    """The session is over; the connection may live on."""

    path: str


ServerEvent = Played | Paused | TornDown


class ServerSession:
    """Answers one connection. `seed` is random and secret text of 32 characters: nonces and ids come of it.

    Raises ProtocolError when the client sends what is no RTSP; close the connection then.
    """

    def __init__(self, settings: ServerSettings, mounts: Mounts, seed: str) -> None:
        self._settings = settings
        self._mounts = mounts
        self._seed = seed
        self._parser = RtspParser()
        self._out = bytearray()
        self._events: list[ServerEvent] = []
        self._path = ""
        self._asked_path = ""
        self._session_id = ""
        self._deliveries: dict[int, Delivery] = {}
        self._sessions = 0
        self._nonces = 0
        self._nonce_uses = 0
        self._heard_us = 0

    @property
    def path(self) -> str:
        """The mount it was set up on; empty before."""
        return self._path

    @property
    def asked_path(self) -> str:
        """The mount that the last request was about; empty before."""
        return self._asked_path

    def outgoing(self) -> bytes:
        """What to send now; it is handed out once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive(self, data: bytes | memoryview, now_us: int) -> list[ServerEvent]:
        """Take what the client sent; its receiver reports are passed over."""
        for message in self._parser.feed(data):
            self._heard_us = now_us
            if isinstance(message, RtspRequest):
                self._answer(message)
        events, self._events = self._events, []
        return events

    def is_silent(self, now_us: int) -> bool:
        """No word within the session's time: a UDP session ends then."""
        return now_us - self._heard_us > self._settings.session_timeout_s * 1_000_000

    # -- answering

    def _answer(self, request: RtspRequest) -> None:
        path, track = _split_address(request.uri)
        mount = self._path if self._path and request.method not in {"DESCRIBE", "SETUP"} else path
        self._asked_path = mount
        manners = self._mounts.manners(mount)
        if request.method in manners.refusals:
            self._refuse(request, manners.refusals[request.method], manners.location)
        elif not self._is_let_in(request, manners):
            pass
        elif manners.forgets_session and "Session" in request.headers:
            self._refuse(request, 454)
        elif request.method in {"OPTIONS", "GET_PARAMETER", "SET_PARAMETER"}:
            self._reply(request, (("Public", ", ".join(METHODS)),) if request.method == "OPTIONS" else ())
        elif request.method == "DESCRIBE":
            self._describe(request, path)
        elif request.method == "SETUP":
            self._set_up(request, path, track, manners)
        elif request.method in {"PLAY", "PAUSE", "TEARDOWN"}:
            self._steer(request)
        else:
            self._refuse(request, 405)

    def _describe(self, request: RtspRequest, path: str) -> None:
        description = self._mounts.describe(path)
        if description is None:
            self._refuse(request, 404)
            return
        base = request.uri.rstrip("/") + "/"
        self._reply(
            request, (("Content-Base", base), ("Content-Type", "application/sdp")), write_sdp(description)
        )

    def _set_up(self, request: RtspRequest, path: str, track: int, manners: Manners) -> None:
        description = self._mounts.describe(path)
        if description is None or not 0 <= track < len(description.tracks):
            self._refuse(request, 404)
            return
        if self._session_id and path != self._path:
            self._refuse(request, 455)
            return
        given = next(
            (
                one
                for offer in parse_transport(request.headers.get("Transport"))
                if (one := self._give(offer, manners))
            ),
            None,
        )
        if given is None:
            self._refuse(request, 461)
            return
        given = replace(given, ssrc=self._mounts.ssrc(path, track) or None)
        self._path = path
        self._session_id = self._session_id or f"{self._seed[:12]}{self._sessions:02d}"
        self._deliveries[track] = Delivery(track, given)
        self._reply(request, (("Transport", str(given)),))

    def _give(self, offer: TransportField, manners: Manners) -> TransportField | None:
        """The offered transport as it is granted."""
        if offer.is_multicast or offer.is_secure:
            return None
        if offer.lower is RtpTransport.UDP:
            if offer.client_ports is None or self._settings.udp_ports is None:
                return None
            return replace(
                offer, server_ports=self._settings.udp_ports, source=self._settings.source, mode=""
            )
        free = 2 * len(self._deliveries)
        return (
            None if manners.refuses_tcp else replace(offer, interleaved=offer.interleaved or (free, free + 1))
        )

    def _steer(self, request: RtspRequest) -> None:
        if (
            not self._session_id
            or request.headers.get("Session").partition(";")[0].strip() != self._session_id
        ):
            self._refuse(request, 454)
            return
        if request.method == "PLAY":
            base = request.uri.rstrip("/")
            infos = [self._info(base, track) for track in sorted(self._deliveries)]
            told = ",".join(info for info in infos if info)
            self._reply(request, (("Range", "npt=0.000-"), *((("RTP-Info", told),) if told else ())))
            self._events.append(Played(self._path, tuple(self._deliveries.values())))
        elif request.method == "PAUSE":
            self._reply(request, ())
            self._events.append(Paused(self._path))
        else:
            self._reply(request, ())
            self._events.append(TornDown(self._path))
            self._session_id, self._path = "", ""
            self._sessions += 1
            self._deliveries.clear()

    def _info(self, base: str, track: int) -> str:
        info = self._mounts.position(self._path, track)
        if info.sequence is None:
            return ""
        return f"url={base}/trackID={track};seq={info.sequence};rtptime={info.timestamp or 0}"

    # -- logins

    def _is_let_in(self, request: RtspRequest, manners: Manners) -> bool:
        """True, or the 401 is written. OPTIONS is free, as at most cameras."""
        users = self._settings.users if manners.users is None else manners.users
        if not users or request.method == "OPTIONS":
            return True
        proof = parse_authorization(request.headers.get("Authorization"))
        challenge = self._challenge()
        is_right = proof is not None and any(
            user.username == proof.username and proof_is_right(proof, challenge, user, request.method)
            for user in users
        )
        is_stale = is_right and 0 < manners.nonce_uses <= self._nonce_uses
        if is_right and not is_stale:
            self._nonce_uses += 1
            return True
        self._nonces += 1
        self._nonce_uses = 0
        challenge = self._challenge()
        if is_stale and isinstance(challenge, DigestChallenge):
            challenge = replace(challenge, is_stale=True)
        self._reply(request, (("WWW-Authenticate", write_challenge(challenge)),), status=401)
        return False

    def _challenge(self) -> Challenge:
        login, realm = self._settings.login, self._settings.realm
        if login is Login.BASIC:
            return BasicChallenge(realm)
        nonce = f"{self._seed[12:]}{self._nonces:04x}"
        if login is Login.DIGEST_OLD:
            return DigestChallenge(realm, nonce)
        return DigestChallenge(realm, nonce, "SHA-256" if login is Login.DIGEST_SHA256 else "MD5", "auth")

    # -- writing

    def _refuse(self, request: RtspRequest, status: int, location: str = "") -> None:
        self._reply(request, (("Location", location),) if location else (), status=status)

    def _reply(
        self, request: RtspRequest, fields: tuple[tuple[str, str], ...], body: bytes = b"", status: int = 200
    ) -> None:
        head = [("CSeq", request.headers.get("CSeq", "0")), ("Server", self._settings.name)]
        if self._session_id and status == 200:
            head.append(("Session", f"{self._session_id};timeout={self._settings.session_timeout_s}"))
        reason = _REASONS.get(status, "Refused")
        self._out += write_response(RtspResponse(status, reason, RtspHeaders([*head, *fields]), body))


def _split_address(uri: str) -> tuple[str, int]:
    """`rtsp://host/a/b/trackID=1` as (`a/b`, 1); the track is -1 where none is named."""
    rest = re.sub(r"\Artsps?://[^/?#]*", "", uri, flags=re.IGNORECASE).strip("/")
    path, found, number = rest.rpartition("trackID=")
    if not found or not re.fullmatch(r"[0-9]{1,3}", number):
        return rest, -1
    return path.rstrip("/"), int(number)


def check_path(path: str) -> str:
    """A mount's path, slashes around it taken off; raises ProtocolError for one that RTSP cannot name."""
    clean = path.strip("/")
    if not clean or re.search(r"[\s#]|trackID=", clean):
        raise ProtocolError(f"{path!r} cannot be the path of a camera: no blanks, no '#', no 'trackID='")
    return clean
