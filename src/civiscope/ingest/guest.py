"""libav's process as its keeper sees it: started with orders over a socket pair, read, killed."""

import socket
import subprocess
import sys

from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason


class Guest:
    """One process of `civiscope.ingest.foreign_host`; starting it takes some milliseconds."""

    def __init__(self, orders: bytes) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "civiscope.ingest.foreign_host", str(theirs.fileno())],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )  # fmt: skip
        self._socket.send(orders)

    @property
    def process_id(self) -> int:
        """Of the process."""
        return self._process.pid

    def read_into(self, buffer: memoryview) -> int:
        """Bytes read; 0 if none are there. Raises `Lost` when the process is gone."""
        try:
            count = self._socket.recv_into(buffer)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise Lost(LossReason.FOREIGN, "libav's process is gone.") from error
        if not count:
            raise Lost(LossReason.FOREIGN, "libav's process ended.")
        return count

    def close(self) -> None:
        """Kill it; it has nothing to lose."""
        self._socket.close()
        self._process.kill()
        self._process.wait()
