"""One TCP connection to a camera, plain or TLS, that never waits."""

import errno
import hashlib
import os
import socket
import ssl
from collections.abc import Sequence
from functools import cache

from civiscope.devices import DeviceGate
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason
from civiscope.ingest.network import Endpoint, SocketAddress, allowed_address

_MAX_UNSENT_BYTES = 256 * 1024
_REFUSALS = {errno.ECONNREFUSED}
_ENDS = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ENOTCONN}


class Connection:
    """Connects, shakes hands, sends and reads without waiting; every failure is a `Lost` in plain words.

    Connects to the first address that the gate lets through, and to no other.
    """

    def __init__(
        self, endpoint: Endpoint, addresses: Sequence[SocketAddress], tls: "TlsTrust | None", gate: DeviceGate
    ) -> None:
        self._endpoint = endpoint
        self._tls = tls
        self._unsent = bytearray()
        self._is_open = False
        self._wrapped: ssl.SSLSocket | None = None
        family, self._address = allowed_address(gate, addresses)
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._descriptor = self._socket.fileno()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self._socket.connect_ex(self._address)
        if code not in (0, errno.EINPROGRESS):
            self.close()
            raise self._failure(OSError(code, os.strerror(code)))

    @property
    def descriptor(self) -> int:
        """Of the socket, to be told when bytes come."""
        return self._descriptor

    @property
    def peer_host(self) -> str:
        """The camera's numeric address: where UDP packets must come from."""
        return self._address[0]

    @property
    def peer(self) -> tuple[str, int]:
        """Numeric host and port that we are connected to."""
        return self._address

    @property
    def local_host(self) -> str:
        """Our own numeric address on the way to the camera."""
        return str(self._socket.getsockname()[0])

    @property
    def family(self) -> int:
        """AF_INET or AF_INET6."""
        return int(self._socket.family)

    @property
    def is_connected(self) -> bool:
        """TCP stands; TLS may be under way."""
        return self._is_open or self._wrapped is not None

    def is_open(self) -> bool:
        """True once bytes may flow; raises `Lost` when it failed."""
        if self._is_open:
            return True
        if self._wrapped is None:
            code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise self._failure(OSError(code, os.strerror(code)))
            try:
                self._socket.getpeername()
            except OSError:
                return False
            if self._tls is None:
                self._is_open = True
                return True
            self._wrapped = self._tls.wrap(self._socket, self._endpoint.host)
            self._socket = self._wrapped
        return self._shake_hands(self._wrapped)

    def _shake_hands(self, wrapped: ssl.SSLSocket) -> bool:
        assert self._tls is not None  # only then there is a wrapped socket
        try:
            wrapped.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except ssl.SSLCertVerificationError as error:
            raise Lost(
                LossReason.TLS,
                f"The camera's certificate is not trusted ({error.verify_message.rstrip('.')}).",
                "Compare its fingerprint at the camera and enter it, or install a certificate of a known "
                "authority.",
            ) from error
        except (ssl.SSLError, OSError) as error:
            raise Lost(
                LossReason.TLS,
                "What answers at this port does not speak TLS.",
                "Check the port, or use an address without encryption (rtsp:// or http://).",
            ) from error
        self._tls.check(wrapped)
        self._is_open = True
        return True

    def read_into(self, buffer: memoryview) -> int:
        """Bytes read; 0 if none are there. Raises `Lost` at the end of the connection."""
        try:
            count = self._socket.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return 0
        except ssl.SSLWantWriteError:
            return 0
        except ssl.SSLEOFError as error:
            raise Lost(LossReason.CLOSED, "The camera ended the connection.") from error
        except OSError as error:
            raise self._failure(error) from error
        if not count:
            raise Lost(LossReason.CLOSED, "The camera ended the connection.")
        return count

    def send(self, data: bytes) -> None:
        """Queue and send as much as the socket takes; call with b"" to go on."""
        self._unsent += data
        if not self._unsent:
            return
        if len(self._unsent) > _MAX_UNSENT_BYTES:
            raise Lost(LossReason.STALLED, "The camera takes nothing any more.")
        try:
            sent = self._socket.send(self._unsent)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            raise self._failure(error) from error
        del self._unsent[:sent]

    def close(self) -> None:
        """At once; what is not sent is dropped."""
        self._socket.close()

    def _failure(self, error: OSError) -> Lost:
        if isinstance(error, ssl.SSLError):
            return Lost(LossReason.TLS, "The encrypted connection broke.")
        if error.errno in _REFUSALS:
            return Lost(
                LossReason.REFUSED,
                f"Nothing listens at port {self._endpoint.port} of {self._endpoint.host}.",
                "Check the port, and whether the camera's streaming is switched on.",
            )
        if error.errno in _ENDS:
            return Lost(LossReason.CLOSED, "The connection was reset.")
        return Lost(
            LossReason.UNREACHABLE,
            f"{self._endpoint.host} cannot be reached ({error.strerror or 'network error'}).",
            "Check cable, power and address.",
        )


@cache
def _pinning() -> ssl.SSLContext:
    """Any certificate for the handshake; `TlsTrust.check` looks at it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def _vouched(ca_file: str | None) -> ssl.SSLContext:
    """The system's authorities and those of the file; reading them takes milliseconds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


class TlsTrust:
    """Whom to believe: one certificate by its fingerprint, or any that a known authority vouches for."""

    def __init__(self, fingerprint: str | None, ca_file: str | None) -> None:
        self._fingerprint = "".join((fingerprint or "").lower().split(":"))
        self._context = _pinning() if self._fingerprint else _vouched(ca_file)

    def wrap(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        """The socket with TLS around it; the handshake is still to come."""
        return self._context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)

    def check(self, wrapped: ssl.SSLSocket) -> None:
        """Raise `Lost` if the certificate is not the pinned one."""
        if not self._fingerprint:
            return
        presented = presented_fingerprint(wrapped)
        if presented != self._fingerprint:
            raise Lost(
                LossReason.TLS,
                "The camera's certificate is not the one known here: the camera was replaced or reset, or "
                "somebody is in between.",
                "Compare the fingerprint at the camera, then enter the new one.",
                fingerprint=presented,
            )


class TlsWitness(TlsTrust):
    """Believes nobody: shakes hands only to see which certificate is presented. Nothing is sent after it."""

    def __init__(self) -> None:
        super().__init__("0", None)

    def check(self, wrapped: ssl.SSLSocket) -> None:
        """Always `Lost`, with the fingerprint."""
        raise Lost(
            LossReason.TLS, "The certificate was looked at.", fingerprint=presented_fingerprint(wrapped)
        )


def presented_fingerprint(wrapped: ssl.SSLSocket) -> str:
    """SHA-256 of the peer's certificate, 64 small hexadecimal digits."""
    return hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").hexdigest()
