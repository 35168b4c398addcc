"""From an address to an open connection: look-up, gate, TCP, TLS, each with its time-out; never waits."""

from concurrent.futures import Future

from civiscope.devices import Trouble
from civiscope.ingest.connection import Connection, TlsTrust
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason
from civiscope.ingest.network import Endpoint, Network, SocketAddress, endpoint_of, found_addresses


class Reaching:
    """One attempt to reach one camera; `open` is called in each tick until it gives the connection."""

    def __init__(self, url: str, network: Network, trust: TlsTrust, timeout_s: float) -> None:
        self.endpoint: Endpoint = endpoint_of(url)
        self.connection: Connection | None = None
        """As soon as it is under way; open only once `open` gave it."""
        self._network = network
        self._trust = trust if self.endpoint.is_tls else None
        self._timeout_us = int(timeout_s * 1e6)
        self._looking: Future[tuple[SocketAddress, ...]] = network.look_up(self.endpoint)
        self._since_us = -1

    @property
    def peer(self) -> tuple[str, int] | None:
        """Numeric host and port, once the gate let us connect."""
        return self.connection.peer if self.connection is not None else None

    def open(self, now_us: int) -> Connection | None:
        """The connection once bytes may flow; raises `Lost` when that fails or takes too long."""
        if self._since_us < 0:
            self._since_us = now_us
        if self.connection is None:
            self._connect(now_us)
        elif self.connection.is_open():
            return self.connection
        steps = 1 if self._trust is None else 2
        if now_us - self._since_us > self._timeout_us * steps:
            raise self.overdue()
        return None

    def overdue(self) -> Lost:
        """What to say when there is no more time, by how far it came."""
        host = self.endpoint.host
        if self.connection is None:
            return Lost(
                LossReason.UNREACHABLE,
                f"The name server does not answer for {host}.",
                "Type the camera's IP address, or check this machine's name server.",
            )
        if self.connection.is_connected:
            return Lost(
                LossReason.UNREACHABLE,
                f"{host} took the connection, and then was silent when encryption should begin.",
                "Check the port, or use an address without encryption.",
                trouble=Trouble.TIMEOUT,
            )
        return Lost(LossReason.UNREACHABLE, f"{host} does not answer.", "Check cable, power and address.")

    def close(self) -> None:
        """Let go of the socket."""
        self._looking.cancel()
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _connect(self, now_us: int) -> None:
        if not self._looking.done():
            return
        addresses = found_addresses(self._looking, self.endpoint)
        self._since_us = now_us
        self.connection = Connection(self.endpoint, addresses, self._trust, self._network.gate)
