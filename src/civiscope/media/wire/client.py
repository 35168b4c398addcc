"""The RTSP client as a value machine: bytes and times in, bytes and events out; no socket, no clock.

RFC 2326 with the habits of real cameras. The caller connects, moves bytes, and calls `tick` now and then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from civiscope.base import ProtocolError
from civiscope.media.wire.auth import BasicChallenge
from civiscope.media.wire.fields import (
    DEFAULT_TIMEOUT_S,
    RtpTransport,
    TransportField,
    info_for,
    parse_rtp_info,
    parse_session,
    parse_transport,
)
from civiscope.media.wire.prover import Prover, Verdict
from civiscope.media.wire.rtsp import (
    FrameTaker,
    Route,
    RoutedPacket,
    RtspHeaders,
    RtspParser,
    RtspRequest,
    RtspResponse,
    write_interleaved,
    write_request,
    write_response,
)
from civiscope.media.wire.sdp import parse_sdp, resolve_control
from civiscope.media.wire.session import (
    ClientEvent,
    ClientSettings,
    Described,
    Ended,
    EndReason,
    Packets,
    Playing,
    SessionTrack,
    UdpPortsNeeded,
    base_address,
    choose_tracks,
    without_user_info,
)

_SERVER_METHODS = "OPTIONS, ANNOUNCE, REDIRECT, GET_PARAMETER, SET_PARAMETER, TEARDOWN"


class _State(StrEnum):
    NEW = "new"
    OPTIONS = "OPTIONS"
    DESCRIBE = "DESCRIBE"
    SETUP = "SETUP"
    PLAY = "PLAY"
    PLAYING = "playing"
    ENDED = "ended"


@dataclass(slots=True)
class _Asked:
    """A request on its way, kept to be asked again with a proof."""

    method: str
    uri: str
    headers: tuple[tuple[str, str], ...]
    cseq: int
    sent_us: int
    had_proof: bool
    tries: int


class ClientSession:
    """One session with one camera: OPTIONS, DESCRIBE, SETUP per track, PLAY, keep-alive, TEARDOWN.

    Never raises for what a camera sends: a broken peer gives `Ended(PROTOCOL)`. `now_us` is monotonic.
    For one thread.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._state = _State.NEW
        self._parser = RtspParser()
        self._out = bytearray()
        self._events: list[ClientEvent] = []
        self._routes: list[Route | None] = [None] * 256
        self._tracks: list[SessionTrack] = []
        self._asked: _Asked | None = None
        self._old_cseqs: set[int] = set()
        self._cseq = 0
        self._prover = Prover(settings.credentials)
        self._base = settings.address
        self._session_id = ""
        self._timeout_s = DEFAULT_TIMEOUT_S
        self._keep_alive = "OPTIONS"
        self._keep_alive_due_us = 0
        self._setting_up = 0

    @property
    def is_ended(self) -> bool:
        """Nothing more will come."""
        return self._state is _State.ENDED

    @property
    def is_playing(self) -> bool:
        """PLAY was answered well."""
        return self._state is _State.PLAYING

    @property
    def sends_password_in_clear(self) -> bool:
        """The camera offers only Basic on an open connection: whoever listens can read the password."""
        return isinstance(self._prover.challenge, BasicChallenge) and not self._settings.is_tls

    @property
    def skipped_bytes(self) -> int:
        """Bytes between packets that belonged to nothing."""
        return self._parser.skipped_bytes

    def start(self, now_us: int) -> None:
        """Begin; call once, when connected."""
        assert self._state is _State.NEW
        self._state = _State.OPTIONS
        self._ask("OPTIONS", self._base, (), now_us)

    def outgoing(self) -> bytes:
        """What to send now, in order; it is handed out once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def receive(
        self, data: bytes | memoryview, now_us: int, take: FrameTaker | None = None
    ) -> list[ClientEvent]:
        """Take what the camera sent; packets go to `take` if it is given, else they come as `Packets`."""
        if self._state is not _State.ENDED:
            try:
                for item in self._items(data, take):
                    if isinstance(item, list):
                        self._events.append(Packets(item))
                    elif isinstance(item, RtspResponse):
                        self._answered(item, now_us)
                    else:
                        self._serve(item)
                    if self.is_ended:
                        break
            except ProtocolError as error:
                self._end(EndReason.PROTOCOL, error.message)
        return self._take_events()

    def _items(
        self, data: bytes | memoryview, take: FrameTaker | None
    ) -> Sequence[RtspRequest | RtspResponse | list[RoutedPacket]]:
        if take is not None:
            return self._parser.feed_taken(data, self._routes, take)
        return self._parser.feed_routed(data, self._routes)

    def tick(self, now_us: int) -> list[ClientEvent]:
        """Let time pass: sends a keep-alive when due, ends the session when an answer is overdue."""
        asked = self._asked
        if asked is not None and now_us - asked.sent_us > self._settings.answer_timeout_us:
            if self._state is _State.PLAYING:
                self._forget_asked()  # a camera that never answers keep-alives still plays
            else:
                waited_s = self._settings.answer_timeout_us // 1_000_000
                self._end(EndReason.TIMEOUT, f"The camera did not answer {asked.method} within {waited_s} s.")
        if self._state is _State.PLAYING and self._asked is None and now_us >= self._keep_alive_due_us:
            self._ask(self._keep_alive, self._base, (), now_us)
            self._schedule_keep_alive(now_us)
        return self._take_events()

    def give_udp_port(self, track: int, rtp_port: int, now_us: int) -> None:
        """Answer `UdpPortsNeeded`: RTP is awaited at `rtp_port`, RTCP at the next."""
        assert track == self._setting_up
        assert self._state is _State.SETUP
        wanted = TransportField(RtpTransport.UDP, client_ports=(rtp_port, rtp_port + 1))
        self._ask("SETUP", self._tracks[track].address, (("Transport", str(wanted)),), now_us)

    def send_rtcp(self, track: int, packet: bytes) -> None:
        """Queue a receiver report for an interleaved track; without effect before its SETUP."""
        channel = next((c for c, r in enumerate(self._routes) if r == (track, True)), None)
        if channel is not None and self._state is _State.PLAYING:
            self._out += write_interleaved(channel, packet)

    def stop(self, now_us: int) -> list[ClientEvent]:
        """Queue TEARDOWN and end; send what `outgoing` holds, then close without waiting for the answer."""
        if self._session_id and self._state is not _State.ENDED:
            self._forget_asked()
            self._ask("TEARDOWN", self._base, (), now_us)
        self._end(EndReason.STOPPED, "The session was stopped here.")
        return self._take_events()

    # -- asking

    def _ask(
        self, method: str, uri: str, headers: tuple[tuple[str, str], ...], now_us: int, tries: int = 0
    ) -> None:
        self._cseq += 1
        fields = [("CSeq", str(self._cseq)), ("User-Agent", self._settings.user_agent)]
        if self._session_id:
            fields.append(("Session", self._session_id))
        proof = self._prover.proof(method, uri)
        if proof:
            fields.append(("Authorization", proof))
        self._asked = _Asked(method, uri, headers, self._cseq, now_us, bool(proof), tries)
        self._out += write_request(RtspRequest(method, uri, RtspHeaders([*fields, *headers])))

    def _schedule_keep_alive(self, now_us: int) -> None:
        """Half the session's time, at most 30 s: one lost answer does not cost the session."""
        self._keep_alive_due_us = now_us + min(max(self._timeout_s * 500_000, 1_000_000), 30_000_000)

    # -- answers

    def _answered(self, response: RtspResponse, now_us: int) -> None:
        asked = self._asked
        if asked is None or (response.cseq != asked.cseq and response.cseq in self._old_cseqs):
            return
        if 100 <= response.status < 200:
            asked.sent_us = now_us
            return
        self._forget_asked()
        if response.status == 401:
            self._prove(asked, response, now_us)
        elif self._state is _State.PLAYING:
            self._kept_alive(asked, response)
        elif response.status < 300 or (asked.method == "OPTIONS" and response.status != 404):
            self._go_on(asked, response, now_us)
        elif not self._does_without(asked, response, now_us):
            self._refused(asked, response)

    def _go_on(self, asked: _Asked, response: RtspResponse, now_us: int) -> None:
        steps: dict[str, Callable[[RtspResponse, int], None]] = {
            "OPTIONS": self._on_options,
            "DESCRIBE": self._on_describe,
            "SETUP": self._on_setup,
            "PLAY": self._on_play,
        }
        steps[asked.method](response, now_us)

    def _on_options(self, response: RtspResponse, now_us: int) -> None:
        methods = {word.strip().upper() for word in ",".join(response.headers.get_all("Public")).split(",")}
        self._keep_alive = "GET_PARAMETER" if "GET_PARAMETER" in methods else "OPTIONS"
        self._state = _State.DESCRIBE
        self._ask("DESCRIBE", self._base, (("Accept", "application/sdp"),), now_us)

    def _on_describe(self, response: RtspResponse, now_us: int) -> None:
        description = parse_sdp(response.body)
        request_base = self._base
        self._base = base_address(response, request_base)
        self._tracks = choose_tracks(description, self._base, self._settings.wants_audio)
        self._base = resolve_control(self._base, description.control)
        if not self._tracks:
            offered = ", ".join(t.encoding or t.media for t in description.tracks) or "nothing"
            self._end(
                EndReason.UNSUPPORTED, f"The camera offers {offered}: no picture or sound readable here."
            )
            return
        self._state = _State.SETUP
        self._events.append(Described(description, tuple(self._tracks), response.headers.get("Date")))
        self._set_up(0, now_us)

    def _set_up(self, track: int, now_us: int) -> None:
        self._setting_up = track
        if self._settings.transport is RtpTransport.UDP:
            self._events.append(UdpPortsNeeded(track))
            return
        wanted = TransportField(RtpTransport.TCP, interleaved=(2 * track, 2 * track + 1))
        self._ask("SETUP", self._tracks[track].address, (("Transport", str(wanted)),), now_us)

    def _on_setup(self, response: RtspResponse, now_us: int) -> None:
        self._note_session(response)
        track = self._setting_up
        answers = parse_transport(",".join(response.headers.get_all("Transport")))
        given = answers[0] if answers else TransportField(self._settings.transport)
        if given.lower is not self._settings.transport or given.is_secure:
            self._end(
                EndReason.TRANSPORT, "The camera answered with another transport than it was asked for."
            )
            return
        if given.lower is RtpTransport.TCP:
            self._route(track, given.interleaved or (2 * track, 2 * track + 1))
        known = self._tracks[track]
        self._tracks[track] = SessionTrack(
            track, known.description, known.address, given.ssrc, None, None, given.server_ports, given.source
        )
        self._set_up_next(track + 1, now_us)

    def _set_up_next(self, track: int, now_us: int) -> None:
        if track < len(self._tracks):
            self._set_up(track, now_us)
            return
        self._state = _State.PLAY
        self._ask("PLAY", self._base, (("Range", "npt=0.000-"),), now_us)

    def _route(self, track: int, channels: tuple[int, int]) -> None:
        """Take the camera's channel numbers; where an earlier track has them, those asked for."""
        if self._routes[channels[0]] is not None:
            channels = (2 * track, 2 * track + 1)
        for channel, is_rtcp in zip(channels, (False, True), strict=True):
            if self._routes[channel] is None:
                self._routes[channel] = (track, is_rtcp)

    def _on_play(self, response: RtspResponse, now_us: int) -> None:
        self._note_session(response)
        infos = parse_rtp_info(",".join(response.headers.get_all("RTP-Info")))
        for place, track in enumerate(self._tracks):
            if (info := info_for(infos, track.address, track.description.control)) is not None:
                self._tracks[place] = SessionTrack(
                    track.index, track.description, track.address, track.ssrc,
                    info.sequence, info.timestamp, track.server_ports, track.source,
                )  # fmt: skip
        self._state = _State.PLAYING
        self._schedule_keep_alive(now_us)
        self._events.append(Playing(tuple(self._tracks)))

    def _note_session(self, response: RtspResponse) -> None:
        """Keep the first id, as ffmpeg does (H264DVR names one per track); the newest time-out counts."""
        if "Session" not in response.headers:
            return
        session = parse_session(response.headers.get("Session"))
        self._session_id = self._session_id or session.session_id
        if session.has_timeout:
            self._timeout_s = session.timeout_s

    def _kept_alive(self, asked: _Asked, response: RtspResponse) -> None:
        if response.status == 454:
            self._end(EndReason.SESSION_LOST, "The camera no longer knows the session (454).")
        elif response.status >= 400 and asked.method == "GET_PARAMETER":
            self._keep_alive = "OPTIONS"

    def _prove(self, asked: _Asked, response: RtspResponse, now_us: int) -> None:
        verdict = self._prover.weigh(
            response.headers.get_all("WWW-Authenticate"), asked.tries, asked.had_proof
        )
        if verdict is Verdict.TRY:
            self._ask(asked.method, asked.uri, asked.headers, now_us, asked.tries + 1)
        else:
            self._end(EndReason.AUTHENTICATION, verdict.value)

    def _does_without(self, asked: _Asked, response: RtspResponse, now_us: int) -> bool:
        """Go on where a camera refuses what a session can live without: its sound, or a Range in PLAY."""
        if asked.method == "SETUP" and self._setting_up > 0 and response.status not in {454, 461}:
            del self._tracks[self._setting_up :]
            self._set_up_next(self._setting_up, now_us)
            return True
        if asked.method == "PLAY" and asked.headers and response.status in {400, 456, 457}:
            self._ask("PLAY", asked.uri, (), now_us)
            return True
        return False

    def _refused(self, asked: _Asked, response: RtspResponse) -> None:
        words = " ".join(f"{response.status} {response.reason}".split())[:120]
        reason, detail = EndReason.REFUSED, f"The camera refused {asked.method}: {words}."
        if response.status < 400:
            place = without_user_info(response.headers.get("Location"))[:200]
            reason = EndReason.REDIRECTED
            detail = f"The camera points to another address ({place}); enter that one if you trust it."
        elif response.status == 404:
            detail = "The camera has no stream at this path (404): check the address after the host name."
        elif response.status == 454:
            reason = EndReason.SESSION_LOST
        elif response.status == 461:
            reason = EndReason.TRANSPORT
        self._end(reason, detail)

    # -- the camera's own requests

    def _serve(self, request: RtspRequest) -> None:
        known = request.method in _SERVER_METHODS.split(", ")
        fields = [("CSeq", request.headers.get("CSeq"))] if "CSeq" in request.headers else []
        if request.method == "OPTIONS":
            fields.append(("Public", _SERVER_METHODS))
        status, reason = (200, "OK") if known else (501, "Not Implemented")
        self._out += write_response(RtspResponse(status, reason, RtspHeaders(fields)))
        if request.method == "TEARDOWN":
            self._end(EndReason.CLOSED, "The camera ended the session.")
        elif request.method == "REDIRECT":
            self._end(
                EndReason.REDIRECTED, "The camera asks to go to another address, which is not followed."
            )

    def _end(self, reason: EndReason, detail: str) -> None:
        if self._state is not _State.ENDED:
            self._state = _State.ENDED
            self._asked = None
            self._events.append(Ended(reason, detail))

    def _forget_asked(self) -> None:
        if self._asked is not None:
            self._old_cseqs = {cseq for cseq in self._old_cseqs if cseq > self._asked.cseq - 64}
            self._old_cseqs.add(self._asked.cseq)
            self._asked = None

    def _take_events(self) -> list[ClientEvent]:
        events, self._events = self._events, []
        return events
