"""What the recorder is to record: sent by the server, kept sealed by the recorder, which starts alone."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind, StreamId, get_log
from civiscope.devices import DeviceGate, GateRules
from civiscope.ingest import StreamSource, Transport
from civiscope.security import Vault
from civiscope.storage import keep_file

_VERSION = 3
_VERSION_WITHOUT_GATE = 1
_VERSIONS = (1, 2, 3)
"""Before 3 every stream of a plan was recorded."""
_CONTEXT = b"recording plan"
_DEFAULT_GATE = GateRules()
"""Private networks, not this machine."""
_log = get_log("civiscope.app")


@dataclass(frozen=True, slots=True)
class RecordingPlan:
    """Which streams to record, and where their cameras may stand."""

    sources: tuple[StreamSource, ...] = ()
    gate: GateRules = _DEFAULT_GATE


def plan_digest(plan: RecordingPlan) -> str:
    """Names a plan without telling it: the server sends its plan when the recorder's is another."""
    return hashlib.sha256(_to_json(plan)).hexdigest()


class PlanFile:
    """The last plan on the recorder's disk, sealed with the recorder's own vault."""

    def __init__(self, path: Path, vault: Vault) -> None:
        self._path = path
        self._vault = vault

    def load(self) -> RecordingPlan:
        """The last plan; empty if there is none or it cannot be opened (the server will send it again)."""
        try:
            text = self._vault.open_secret(self._path.read_bytes(), _CONTEXT)
            return _parse(text)
        except FileNotFoundError:
            return RecordingPlan()
        except (
            OSError,
            AppError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            _log.error("the kept plan cannot be read; waiting for the server's", why=type(error).__name__)
            return RecordingPlan()

    def keep(self, plan: RecordingPlan) -> None:
        """Write it so that a cut leaves the old plan or the new one; AppError if the disk refuses."""
        sealed = self._vault.seal_secret(_to_json(plan), _CONTEXT)
        try:
            keep_file(self._path, sealed)
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"the recorder cannot keep its plan in {self._path}: {error.strerror}. It records by it "
                "while it runs, but would not know it after a restart without the server.",
            ) from error


def _to_json(plan: RecordingPlan) -> bytes:
    return json.dumps(
        {
            "version": _VERSION,
            "gate": {"networks": plan.gate.networks, "loopback_ports": plan.gate.loopback_ports},
            "streams": [
                {
                    "stream_id": str(one.stream_id), "channel_id": str(one.channel_id), "url": one.url,
                    "username": one.username, "password": one.password, "transport": one.transport.value,
                    "tls_fingerprint": one.tls_fingerprint, "audio": one.audio, "foreign": one.foreign,
                    "recorded": one.recorded,
                }
                for one in plan.sources
            ],
        }
    ).encode()  # fmt: skip


def _parse(text: bytes) -> RecordingPlan:
    plan = json.loads(text)
    version = plan["version"]
    if version not in _VERSIONS:
        raise ValueError(f"plan version {version}")
    if version == _VERSION_WITHOUT_GATE:
        _log.warning(
            "the kept plan knows no device gate; private networks only until the server sends its own"
        )
    gate = _DEFAULT_GATE if version == _VERSION_WITHOUT_GATE else _gate(plan["gate"])
    return RecordingPlan(tuple(_source(one) for one in plan["streams"]), gate)


def _gate(kept: dict[str, Any]) -> GateRules:
    """Rules of a kept plan; AppError or ValueError when they cannot be used."""
    rules = GateRules(
        tuple(str(network) for network in kept["networks"]),
        tuple(int(port) for port in kept["loopback_ports"]),
    )
    DeviceGate(rules)
    return rules


def _source(one: dict[str, Any]) -> StreamSource:
    return StreamSource(
        stream_id=StreamId(UUID(one["stream_id"])),
        channel_id=ChannelId(UUID(one["channel_id"])),
        url=one["url"],
        username=one["username"],
        password=one["password"],
        transport=Transport(one["transport"]),
        tls_fingerprint=one["tls_fingerprint"],
        audio=one["audio"],
        foreign=one["foreign"],
        recorded=one.get("recorded", True),
    )
