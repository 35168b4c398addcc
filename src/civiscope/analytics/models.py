"""The registry of models: which there are, which are installed here, and which one looks.

Files lie in the folder of models, private to the account (0600), under the name of their model. A file is
read whole and its hash compared each time before it is used: a changed byte refuses to load.
"""

import hashlib
import os
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from civiscope.analytics.builtin import BUILTIN_NAME, load_builtin
from civiscope.analytics.detector import Detector
from civiscope.analytics.face import ModelInfo
from civiscope.analytics.second_look import WithSecondLook
from civiscope.analytics.yolox import YoloxDetector
from civiscope.base import AppError, ErrorKind

MOST_BYTES = 512 << 20
"""No model of ours comes near; a registry that says more is wrong."""
_BUILTIN_INFO = (
    "our own network, dense convolutions, trained by this project (training/)",
    "416 x 256 (16:9), 352 x 256 (4:3), RGB 0 to 255",
)


class ModelEntry(BaseModel):
    """One model of the registry, as `models.toml` has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    task: str
    kind: str
    """Which adapter runs it."""
    rank: int
    """Of those installed, the highest looks unless one is named."""
    address: str = Field(pattern=r"^https://")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0, le=MOST_BYTES)
    verified: bool
    """Somebody compared address and hash; else it works by import only."""
    licence: str
    input: str
    metrics: str
    card: str


Fetch = Callable[[str], Iterator[bytes]]
"""Pieces of what is at an https address; raises OSError. The command line gives the real one."""
_ADAPTERS: dict[str, Callable[[str, bytes], Detector]] = {"yolox": YoloxDetector}


class _Registry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    model: tuple[ModelEntry, ...]


def shipped_entries() -> tuple[ModelEntry, ...]:
    """Those of `models.toml`."""
    text = files("civiscope.analytics").joinpath("models.toml").read_text(encoding="utf-8")
    return _Registry.model_validate(tomllib.loads(text)).model


class ModelShelf:
    """The models of one folder. Blocks on the disk; may be used by several processes at once."""

    def __init__(self, folder: Path, entries: tuple[ModelEntry, ...] | None = None) -> None:
        self._folder = folder
        self._entries = shipped_entries() if entries is None else entries

    def entry(self, name: str) -> ModelEntry:
        """By name; MISSING names those there are."""
        for entry in self._entries:
            if entry.name == name:
                return entry
        known = ", ".join([BUILTIN_NAME, *(entry.name for entry in self._entries)])
        raise AppError(
            ErrorKind.MISSING, f"There is no model '{name[:32]}' in the registry. It has: {known}."
        )

    def infos(self, active: str = "") -> tuple[ModelInfo, ...]:
        """All models and how they stand; `active`: the name of the one that looks, where that is known."""
        about, size = _BUILTIN_INFO
        builtin = ModelInfo(
            BUILTIN_NAME, "objects", "active" if active == BUILTIN_NAME else "installed", True, "Apache-2.0",
            size, card=f"Persons, bicycles and vehicles: {about}.\n{_builtin_card()}",
        )  # fmt: skip
        return (builtin, *(self._info(entry, active) for entry in self._entries))

    def import_file(self, path: Path) -> ModelEntry:
        """Install a file that is one of the registry's by its hash. INVALID: it is none of them."""
        try:
            if path.stat().st_size > MOST_BYTES:
                raise AppError(
                    ErrorKind.INVALID, f"{path.name} is larger than any model here. Nothing was kept."
                )
            data = path.read_bytes()
        except OSError as error:
            raise AppError(
                ErrorKind.MISSING, f"{path} cannot be read: {error.strerror}. Check the name."
            ) from error
        digest = hashlib.sha256(data).hexdigest()
        for entry in self._entries:
            if entry.sha256 == digest:
                self._keep(entry, data)
                return entry
        raise AppError(
            ErrorKind.INVALID,
            f"{path.name} is no model of the registry: its sha256 is {digest}. Nothing was kept. "
            "`civiscope models list` shows the hashes that are known.",
        )

    def pull(self, name: str, fetch: Fetch) -> ModelEntry:
        """Fetch a verified model from its official address. DENIED: unverified; UNAVAILABLE: no network."""
        entry = self.entry(name)
        if not entry.verified:
            raise AppError(
                ErrorKind.DENIED,
                f"{name} is unverified: nobody could compare the file at its official address with its "
                f"hash. Fetch "
                f"{entry.address} yourself and give it to `civiscope models import`; it is taken if its "
                f"sha256 is {entry.sha256}.",
            )
        self._keep(entry, _fetched(entry, fetch))
        return entry

    def detector(self, name: str = "") -> Detector:
        """The named one; empty: the best that is installed and good, else the built-in.

        One that is not the built-in brings it along for second looks.
        Raises AppError in plain words when the named one cannot be used.
        """
        if name == BUILTIN_NAME:
            return load_builtin()
        if name:
            return self._with_second_look(self._load(self.entry(name)))
        for entry in sorted(self._entries, key=lambda one: -one.rank):
            if entry.task == "objects" and self._path(entry).exists():
                try:
                    return self._with_second_look(self._load(entry))
                except AppError:
                    continue  # `infos` says which is refused, and why
        return load_builtin()

    def _with_second_look(self, first: Detector) -> Detector:
        """The built-in comes along, if it can be used."""
        try:
            return WithSecondLook(first, load_builtin())
        except AppError:
            return first

    def _load(self, entry: ModelEntry) -> Detector:
        make = _ADAPTERS.get(entry.kind)
        if make is None:
            raise AppError(ErrorKind.INVALID, f"No adapter runs the model {entry.name} of kind {entry.kind}.")
        return make(entry.name, self._read(entry))

    def _info(self, entry: ModelEntry, active: str) -> ModelInfo:
        state, why = "missing", ""
        if self._path(entry).exists():
            try:
                self._read(entry)
                state = "active" if active == entry.name else "installed"
            except AppError as error:
                state, why = "refused", error.message
        return ModelInfo(
            entry.name, entry.task, state, entry.verified, entry.licence, entry.input, why,
            f"{entry.metrics}\n{entry.card.strip()}\nsha256 {entry.sha256}",
        )  # fmt: skip

    def _path(self, entry: ModelEntry) -> Path:
        return self._folder / f"{entry.name}.onnx"

    def _read(self, entry: ModelEntry) -> bytes:
        path = self._path(entry)
        try:
            is_whole = path.stat().st_size == entry.bytes
            data = path.read_bytes() if is_whole else b""
        except OSError as error:
            raise AppError(
                ErrorKind.MISSING, f"The model {entry.name} is not installed. Import or pull it."
            ) from error
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise AppError(
                ErrorKind.LOST_DATA,
                f"The file of the model {entry.name} was changed and is refused: its sha256 is not that of "
                f"the "
                "registry. Import it anew.",
            )
        return data

    def _keep(self, entry: ModelEntry, data: bytes) -> None:
        """Whole or not at all: written beside, synced, and renamed."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = self._folder / f".{entry.name}.{os.getpid()}.unfinished"
            unfinished.unlink(missing_ok=True)
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._path(entry))
        except OSError as error:
            raise AppError(
                ErrorKind.EXHAUSTED, f"The model cannot be kept in {self._folder}: {error.strerror}."
            ) from error


def _fetched(entry: ModelEntry, fetch: Fetch) -> bytes:
    """As many bytes as the registry says, with its hash; else nothing is kept."""
    host = urlsplit(entry.address).hostname
    data = bytearray()
    try:
        for piece in fetch(entry.address):
            data += piece
            if len(data) > entry.bytes:
                break
    except OSError as error:
        raise AppError(
            ErrorKind.UNAVAILABLE,
            f"{host} cannot be reached ({error}): this machine may have no network. Fetch {entry.address} "
            "elsewhere and give it to `civiscope models import`.",
        ) from error
    if len(data) != entry.bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise AppError(
            ErrorKind.LOST_DATA,
            f"What {host} gave is not the model {entry.name}: its size or sha256 differs. Nothing was kept.",
        )
    return bytes(data)


def _builtin_card() -> str:
    card = files("civiscope.analytics").joinpath("weights", "builtin.md")
    return card.read_text(encoding="utf-8").strip() if card.is_file() else ""
