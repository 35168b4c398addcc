"""libav's process: reads its orders from a socket, sends units back until either side ends.

Run as `python -m civiscope.ingest.foreign_host FD`. It knows nothing but one camera's address and password.
"""

import json
import os
import socket
import sys
from pathlib import Path

from civiscope.base import AppError, ProtocolError, SystemClock
from civiscope.ingest.file_importer import FileImporter, ImportOrders
from civiscope.ingest.file_player import FileOrders, FilePlayer
from civiscope.ingest.foreign_wire import (
    ForeignFailure,
    ForeignMessage,
    ForeignTracks,
    ForeignUnit,
    write_foreign,
)
from civiscope.ingest.run import RunTrack
from civiscope.media import ForeignOrders, ForeignReader

_MAX_ORDER_BYTES = 64 * 1024
_IMPORT_NICE = 10
"""Nobody waits for an import as for what is live."""


def _read_orders(peer: socket.socket) -> ForeignOrders | FileOrders | ImportOrders:
    """One line of JSON: a camera, or media files."""
    line = b""
    while not line.endswith(b"\n"):
        piece = peer.recv(4096)
        if not piece or len(line) > _MAX_ORDER_BYTES:
            raise ProtocolError("the orders of libav's process are cut short")
        line += piece
    try:
        orders = json.loads(line)
        if "from_unit" in orders:
            return ImportOrders(Path(str(orders["file"])), bool(orders["audio"]), int(orders["from_unit"]))
        if "file" in orders:
            return FileOrders(Path(str(orders["file"])), bool(orders["audio"]))
        return ForeignOrders(
            url=str(orders["url"]),
            username=orders["username"],
            password=orders["password"],
            transport=str(orders["transport"]),
            audio=bool(orders["audio"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError("the orders of libav's process cannot be read") from error


def serve(peer: socket.socket) -> None:
    """Until the camera, the intake or the network ends it."""

    def say(message: ForeignMessage) -> None:
        peer.sendall(write_foreign(message))

    try:
        orders = _read_orders(peer)
        if isinstance(orders, ImportOrders):
            os.nice(_IMPORT_NICE)
            FileImporter(orders, say).run()
            return
        if isinstance(orders, FileOrders):
            FilePlayer(orders, say, SystemClock()).play()
            return
        with ForeignReader(orders) as reader:
            say(
                ForeignTracks(
                    tuple(RunTrack(t.track_id, t.codec, t.clock_rate_hz, t.config) for t in reader.tracks)
                )
            )
            for unit in reader.units():
                say(ForeignUnit(unit.track_id, unit.timestamp, unit.flags, unit.config, unit.data))
        say(ForeignFailure("The camera ended the stream."))
    except AppError as error:
        say(ForeignFailure(error.message))


def main(arguments: list[str]) -> int:
    """Serve the socket whose number is the only argument."""
    with socket.socket(fileno=int(arguments[0])) as peer:
        peer.setblocking(True)
        try:
            serve(peer)
        except BrokenPipeError:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
