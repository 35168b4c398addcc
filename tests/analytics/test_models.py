"""Models by hash: what was changed is refused, what nobody checked is not fetched, what is no detector is
told."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analytics.onnx_files import Graph, node, pooled

from civiscope.analytics import ModelEntry, ModelShelf, load_builtin, shipped_entries
from civiscope.analytics.builtin import BuiltinDetector
from civiscope.analytics.onnx_session import OnnxSession
from civiscope.analytics.onnx_shape import resized_model
from civiscope.analytics.yolox import YoloxDetector
from civiscope.base import AppError, ErrorKind

SHARED_MODELS = Path(__file__).resolve().parents[3] / "shared" / "models"
DATA = b"a model, as bytes"


def entry(**more: object) -> ModelEntry:
    given: dict[str, object] = {
        "name": "mine", "task": "objects", "kind": "yolox", "rank": 1, "address": "https://example.org/mine.onnx",
        "sha256": hashlib.sha256(DATA).hexdigest(), "bytes": len(DATA), "verified": True, "licence": "MIT",
        "input": "any", "metrics": "none", "card": "none",
    }  # fmt: skip
    return ModelEntry.model_validate(given | more)


@pytest.fixture
def shelf(tmp_path: Path) -> ModelShelf:
    return ModelShelf(tmp_path / "models", (entry(),))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "brought.onnx"
    path.write_bytes(DATA)
    return path


def states(shelf: ModelShelf, active: str = "") -> dict[str, str]:
    return {info.name: info.state for info in shelf.infos(active)}


def test_a_file_is_known_by_its_hash_and_kept_private(shelf: ModelShelf, file: Path, tmp_path: Path) -> None:
    assert states(shelf)["mine"] == "missing"
    assert shelf.import_file(file).name == "mine"
    assert states(shelf)["mine"] == "installed"
    (kept,) = (tmp_path / "models").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_another_file_is_refused_and_not_kept(shelf: ModelShelf, file: Path, tmp_path: Path) -> None:
    file.write_bytes(DATA + b"!")
    with pytest.raises(AppError, match="is no model of the registry") as told:
        shelf.import_file(file)
    assert hashlib.sha256(DATA + b"!").hexdigest() in told.value.message
    assert not (tmp_path / "models").exists()
    with pytest.raises(AppError, match="cannot be read"):
        shelf.import_file(tmp_path / "nowhere.onnx")


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data + b"!", lambda data: b"A" + data[1:]]
)
def test_a_changed_byte_refuses_to_load(
    shelf: ModelShelf, file: Path, tmp_path: Path, change: object
) -> None:
    shelf.import_file(file)
    kept = tmp_path / "models" / "mine.onnx"
    kept.write_bytes(change(kept.read_bytes()))  # type: ignore[operator]  # a lambda of the list above
    with pytest.raises(AppError, match="was changed and is refused") as told:
        shelf.detector("mine")
    assert told.value.kind is ErrorKind.LOST_DATA
    (info,) = [one for one in shelf.infos() if one.name == "mine"]
    assert info.state == "refused"
    assert "was changed" in info.why


def pieces(*given: bytes) -> object:
    def fetch(address: str) -> Iterator[bytes]:
        assert address == "https://example.org/mine.onnx"
        yield from given

    return fetch


def test_a_verified_model_is_fetched(shelf: ModelShelf) -> None:
    shelf.pull("mine", pieces(DATA[:5], DATA[5:]))  # type: ignore[arg-type]  # a function of this kind
    assert states(shelf)["mine"] == "installed"


@pytest.mark.parametrize("given", [(DATA[:-1],), (DATA, b"!"), (b"x" * len(DATA),), (b"x" * 10_000_000,) * 3])
def test_what_is_not_the_model_is_not_kept(shelf: ModelShelf, given: tuple[bytes, ...]) -> None:
    with pytest.raises(AppError, match=r"example\.org gave is not the model"):
        shelf.pull("mine", pieces(*given))  # type: ignore[arg-type]  # as above
    assert states(shelf)["mine"] == "missing"


def test_without_a_network_it_says_what_to_do(shelf: ModelShelf) -> None:
    def fetch(address: str) -> Iterator[bytes]:
        raise OSError(f"no route to {address}")

    with pytest.raises(AppError, match="models import") as told:
        shelf.pull("mine", fetch)
    assert told.value.kind is ErrorKind.UNAVAILABLE


def test_what_nobody_checked_is_not_fetched(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path)
    with pytest.raises(AppError, match="unverified") as told:
        shelf.pull("yolox_nano", pieces())  # type: ignore[arg-type]  # never called
    assert told.value.kind is ErrorKind.DENIED
    with pytest.raises(AppError, match="It has: builtin, yolox_nano"):
        shelf.entry("yolo_huge")


def test_the_shipped_registry_is_whole() -> None:
    entries = shipped_entries()
    assert [one.name for one in entries] == ["yolox_nano"]
    assert all(one.card.strip() and one.licence and one.metrics for one in entries)


@pytest.mark.parametrize("address", ["http://example.org/x", "file:///etc/passwd", "ftp://x/y"])
def test_an_address_without_https_is_no_entry(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        entry(address=address)


WRONG = {
    "no bytes": (b"", "no ONNX model|cannot be loaded"),
    "garbage": (b"\xff" * 500, "no ONNX model|cannot be loaded"),
    "text": (b"<html>not found</html>", "no ONNX model|cannot be loaded"),
    "cut short": (pooled()[:-30], "no ONNX model|cannot be loaded"),
    "no boxes": (pooled(), "is no YOLOX|is not of our kind"),
    "unknown operator": (
        Graph((node("Dream", ("images",), "output"),), (("output", (1, 1)),)).model(),
        "cannot be loaded",
    ),
    "whole numbers": (
        Graph((node("Identity", ("images",), "output"),), (("output", (1, 3)),), kind=6).model(),
        "cannot be loaded|not of our kind|does not run",
    ),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("make", [lambda data: YoloxDetector("mine", data), BuiltinDetector])
def test_what_is_no_detector_is_told_in_words(name: str, make: object) -> None:
    data, words = WRONG[name]
    with pytest.raises(AppError, match=words) as told:
        make(data)  # type: ignore[operator]  # a constructor of the list above
    assert told.value.kind is ErrorKind.INVALID
    assert "\n" not in told.value.message


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_model_is_written_anew_for_another_size(rows: int, columns: int) -> None:
    session = OnnxSession("small", resized_model(pooled(), rows * 8, columns * 8))
    assert session.inputs["images"][0] == [1, 3, rows * 8, columns * 8]
    picture = np.random.default_rng(1).random((1, 3, rows * 8, columns * 8)).astype(np.float32)
    wanted = picture.reshape(3, rows, 8, columns, 8).max((2, 4))
    assert np.array_equal(session.run(picture)["output"][0], wanted)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_model_or_a_fault_in_words(data: bytes) -> None:
    try:
        resized_model(data, 64, 64)
    except AppError as error:
        assert error.kind is ErrorKind.INVALID  # noqa: PT017  # most bytes are none, some may be


needs_yolox = pytest.mark.skipif(
    not (SHARED_MODELS / "yolox_nano.onnx").exists(), reason="yolox_nano.onnx is not on this machine"
)


@needs_yolox
@pytest.mark.footage
def test_yolox_is_imported_and_the_best_one_looks(tmp_path: Path) -> None:
    shelf = ModelShelf(tmp_path)
    assert shelf.import_file(SHARED_MODELS / "yolox_nano.onnx").name == "yolox_nano"
    detector = shelf.detector()
    assert detector.name == "yolox_nano"
    assert states(shelf, "yolox_nano")["yolox_nano"] == "active"
    assert detector.size_for(640, 360) == (416, 234)
    assert detector.size_for(480, 360) == (341, 256)
    assert detector.size_for(360, 640) == (234, 416)
    grey = np.full((234, 416, 3), 90, np.uint8)
    assert len(detector.detect(grey)) == 0


def test_the_builtin_is_there_and_finds_nothing_in_grey(tmp_path: Path) -> None:
    detector = load_builtin()
    assert ModelShelf(tmp_path).detector().name == detector.name == "builtin"
    for size in ((640, 360), (480, 360), (360, 640), (1000, 1000)):
        width, height = detector.size_for(*size)
        assert len(detector.detect(np.full((height, width, 3), 110, np.uint8))) == 0
