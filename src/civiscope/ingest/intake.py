"""All living sessions of a recorder in one thread: a tick over sockets that never wait."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from select import EPOLLIN, epoll

from civiscope.base import Clock, StreamId, get_log
from civiscope.devices import DeviceGate
from civiscope.ingest.life import StreamLife
from civiscope.ingest.model import ImportMark, LossReason, StreamSource, StreamStatus
from civiscope.ingest.network import Network
from civiscope.ingest.ports import StreamSink
from civiscope.ingest.settings import IntakeSettings
from civiscope.media.wire import Arrival

_log = get_log("civiscope.ingest")


class Intake:
    """Takes streams in and hands their units to the sinks, in the thread that calls `tick`.

    Call `tick` every 40 ms (10 ms while somebody watches); it never waits. Not thread-safe. `imports` is how
    far the imports of earlier processes are recorded.
    """

    def __init__(
        self,
        sinks: Sequence[StreamSink],
        clock: Clock,
        gate: DeviceGate,
        settings: IntakeSettings | None = None,
        imports: Mapping[StreamId, ImportMark] | None = None,
    ) -> None:
        self._sinks = tuple(sinks)
        self._clock = clock
        self._settings = settings or IntakeSettings()
        self._network = Network(gate)
        self._imports = dict(imports or {})
        self._are_imports_held = False
        self._lives: dict[StreamId, StreamLife] = {}
        self._readable = epoll()
        self._descriptors: dict[StreamId, int] = {}
        self._buffer = memoryview(bytearray(self._settings.read_bytes))

    def set_sources(self, sources: Iterable[StreamSource]) -> None:
        """What is wanted from now on: begins new ones, ends missing ones, restarts changed ones."""
        wanted = {source.stream_id: source for source in sources}
        for stream_id, life in list(self._lives.items()):
            source = wanted.get(stream_id)
            if source is None:
                self._end(life, LossReason.REMOVED, "The stream is no longer wanted.")
            elif source != life.source:
                self._end(life, LossReason.CHANGED, "The stream's settings were changed.")
        for stream_id, source in wanted.items():
            if stream_id not in self._lives:
                life = StreamLife(source, self._sinks, self._clock, self._settings, self._network, _log)
                life.go_on_from(self._imports.get(stream_id, ImportMark()))
                self._lives[stream_id] = life

    def hold_imports(self, held: bool) -> None:
        """While the disk is behind nothing is imported: what is live comes first."""
        self._are_imports_held = held

    def _end(self, life: StreamLife, reason: LossReason, detail: str) -> None:
        life.end(self._arrival(), reason, detail)
        del self._lives[life.source.stream_id]
        if life.is_import:
            self._imports[life.source.stream_id] = life.mark

    def set_gate(self, gate: DeviceGate) -> None:
        """Connect only where this gate allows from now on; sessions with others end."""
        if gate.rules == self._network.gate.rules:
            return
        self._network.gate = gate
        arrival = self._arrival()
        for stream_id, life in self._lives.items():
            life.gate_changed(arrival)
            self._watch(stream_id, life.descriptor)

    def tick(self) -> None:
        """Let every stream take what has come."""
        buffer, arrival = self._buffer, self._arrival()
        now_us = arrival.monotonic_us
        readable = {descriptor for descriptor, _ in self._readable.poll(0)} if self._descriptors else ()
        for stream_id, life in self._lives.items():
            descriptor = life.descriptor
            if now_us < life.due_us and descriptor not in readable:
                continue
            if self._are_imports_held and life.is_import:
                continue
            life.tick(buffer, arrival)
            if life.descriptor != descriptor:
                self._watch(stream_id, life.descriptor)

    def _watch(self, stream_id: StreamId, descriptor: int) -> None:
        """Be told when this socket can be read; the kernel forgets closed ones by itself."""
        if descriptor < 0:
            self._descriptors.pop(stream_id, None)
            return
        self._descriptors[stream_id] = descriptor
        with suppress(FileExistsError):
            self._readable.register(descriptor, EPOLLIN)

    def status(self) -> list[StreamStatus]:
        """How every stream stands, in the order they were added."""
        return [life.status() for life in self._lives.values()]

    def close(self) -> None:
        """End every run, saying that we stop; the intake cannot be used afterwards."""
        arrival = self._arrival()
        for life in self._lives.values():
            life.end(arrival, LossReason.OUR_RESTART, "The recorder stops.")
        self._lives.clear()
        self._readable.close()
        self._network.close()

    def _arrival(self) -> Arrival:
        return Arrival(self._clock.now_us(), self._clock.monotonic_us())
