"""The law of the house: rooms meet at faces, heavy libraries have one home, pictures have one exit."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "civiscope"
FACES = {"civiscope.media.wire", "civiscope.media.mp4"}
ROOMS = sorted(folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").exists())
ONE_HOME = {
    "av": "media",
    "sqlalchemy": "storage",
    "alembic": "storage",
    "sqlite3": "storage",
    "fastapi": "api",
    "starlette": "api",
    "uvicorn": "api",
    "cryptography": "security",
    "argon2": "security",
    "msgspec": "bus",
    "typer": "cli",
    "zeep": "devices",
    "onvif": "devices",
    "aiohttp": "devices",
    "lxml": "devices",
    "webauthn": "security",
    "pkcs11": "security",
    "onnxruntime": "analytics",
    "lap": "analytics",
    "aiortc": "viewing",
    "aioice": "viewing",
    "aiomqtt": "notify",
}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "common", "misc", "manager", "core"}
LONGEST_FILE = 400


@cache
def source_files() -> tuple[Path, ...]:
    return tuple(sorted(SOURCE.rglob("*.py")))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def all_imports() -> tuple[tuple[Path, str, int], ...]:
    return tuple(
        (path, module, line) for path in source_files() for module, line in imported_modules(tree_of(path))
    )


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def imported_modules(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every imported module of one file, with its line; `from a import b` gives `a`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: absolute imports only"
            yield node.module or "", node.lineno


def imports_by_file() -> Iterator[tuple[Path, str, int]]:
    yield from all_imports()


def test_rooms_meet_at_faces_only() -> None:
    offences = []
    for path, module, line in imports_by_file():
        if not module.startswith("civiscope."):
            continue
        room = module.split(".")[1]
        if room == room_of(path) or module == f"civiscope.{room}" or module in FACES:
            continue
        if (room_of(path), room) == ("cli", "app"):
            continue  # each command loads only what it needs; nobody else imports `app`
        offences.append(f"{path.relative_to(SOURCE)}:{line} imports {module}")
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize("library", sorted(ONE_HOME))
def test_heavy_libraries_have_one_home(library: str) -> None:
    offences = [
        f"{path.relative_to(SOURCE)}:{line}"
        for path, module, line in imports_by_file()
        if module.split(".")[0] == library and room_of(path) != ONE_HOME[library]
    ]
    assert not offences, f"{library} lives in {ONE_HOME[library]}: {offences}"


PICTURE_READERS = {
    "Archive": {"recording", "viewing/viewing.py", "app/server.py", "app/machine.py"},
    "FeedClient": {
        "ingest",
        "viewing/live_hub.py",
        "viewing/viewing.py",
        "app/server.py",
        "app/worker.py",
        "app/analyst.py",
        "app/analysis_feed.py",
    },
    "DerivedStreams": {"ingest", "app/worker.py"},
    "Transcoder": {"media", "ingest/derived_run.py", "app/transcode_jobs.py"},
    "ShownDecoder": {"media", "app/worker.py"},
    "TranscodeJobs": {"app/transcode_jobs.py", "app/worker.py"},
    "Keyring": {"security", "recording", "app/event_pictures.py"},
    "load_keyring": {"security"},
    "open_picture": {"security", "viewing", "app/event_pictures.py"},
    "PictureDecoder": {"media", "analytics/channel_work.py", "evaluation"},
    "decode_key_frame": {"media", "app/worker.py", "simulator/onvif/views.py"},
}
"""Where a name that opens recorded bytes, reads live units or makes a picture of them may stand at all."""


def test_pictures_have_one_exit() -> None:
    """Recorded bytes are opened, and live units read, for `viewing` alone; decoded in the worker alone."""
    offences = []
    for path in source_files():
        place = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Name):
                named = {node.id}
            elif isinstance(node, ast.Attribute):
                named = {node.attr}
            elif isinstance(node, ast.ImportFrom):
                named = {alias.name for alias in node.names}
            else:
                continue
            for name in named & PICTURE_READERS.keys():
                if not {place, room_of(path)} & PICTURE_READERS[name]:
                    offences.append(f"{place}:{node.lineno} names {name}")
    assert not offences, "\n".join(offences)


def test_no_import_hides_in_a_function() -> None:
    offences = []
    for path in source_files():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                offences += [
                    f"{path.relative_to(SOURCE)}:{inner.lineno}"
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Import | ast.ImportFrom)
                ]
    assert not offences, f"a hidden import is a broken arrow: {offences}"


def test_files_are_nouns_and_short() -> None:
    long_files = {
        str(path.relative_to(SOURCE)): count
        for path in source_files()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    badly_named = [str(p.relative_to(SOURCE)) for p in SOURCE.rglob("*") if p.stem in FORBIDDEN_NAMES]
    assert not long_files, f"over {LONGEST_FILE} lines: {long_files}"
    assert not badly_named, badly_named


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_says_what_it_is_for(room: str) -> None:
    tree = ast.parse((SOURCE / room / "__init__.py").read_text(encoding="utf-8"))
    text = ast.get_docstring(tree) or ""
    for word in ("Facts in:", "Facts out:", "Invariants:"):
        assert word in text, f"{room}: the face's docstring lacks '{word}'"
    statements = [node for node in tree.body if not isinstance(node, ast.Expr | ast.Import | ast.ImportFrom)]
    assert all(isinstance(node, ast.Assign) for node in statements), (
        f"{room}: a face re-exports, nothing else"
    )


def test_every_public_name_is_documented() -> None:
    """Public classes and functions say what types cannot; protocols' methods included."""
    bare = []
    for path in source_files():
        tree = tree_of(path)
        for node in tree.body:
            if (
                isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                bare.append(f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}")
    assert not bare, "\n".join(bare)


def test_only_the_clock_reads_the_clock() -> None:
    offences = []
    for path in source_files():
        if path.parts[-2:] in {("base", "clock.py"), ("base", "ids.py")}:
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                name = f"{node.value.id}.{node.attr}"
                if name in {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "time.monotonic"}:
                    offences.append(f"{path.relative_to(SOURCE)}:{node.lineno} {name}")
    assert not offences, "\n".join(offences)
