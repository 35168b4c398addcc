"""Large sealed files: what was written comes back, and nothing else opens."""

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind, new_id
from civiscope.security import IntegrityError, SealedFile, SealedFileWriter, new_file_key

MIB = 1 << 20


def write(path: Path, key: bytes, name: UUID, *pieces: bytes) -> None:
    with SealedFileWriter(path, key, name) as writer:
        for piece in pieces:
            writer.write(piece)
        writer.finish()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sealed")


@given(st.lists(st.sampled_from([0, 1, 1000, MIB - 1, MIB, MIB + 1]), max_size=4))
def test_what_was_written_is_read(folder: Path, sizes: list[int]) -> None:
    key, name, path = new_file_key(), new_id(), folder / "one"
    pieces = [bytes([65 + number]) * size for number, size in enumerate(sizes)]
    write(path, key, name, *pieces)
    assert b"".join(SealedFile(path, key, name).pieces()) == b"".join(pieces)
    assert b"A" * 64 not in path.read_bytes()


def opens(path: Path, key: bytes, name: UUID) -> bytes:
    return b"".join(SealedFile(path, key, name).pieces())


def test_changed_cut_moved_or_unfinished_files_do_not_open(tmp_path: Path) -> None:
    key, name, path = new_file_key(), new_id(), tmp_path / "one"
    write(path, key, name, b"x" * (2 * MIB + 10))
    good = path.read_bytes()
    for at in (0, 5, 20, 28, 40, MIB + 40, len(good) - 1):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(IntegrityError):
            opens(path, key, name)
    for length in (0, 31, 32, 32 + MIB + 16, 32 + 2 * (MIB + 16), len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(IntegrityError):
            opens(path, key, name)
    path.write_bytes(good)
    for other_key, other_name in ((new_file_key(), name), (key, new_id())):
        with pytest.raises(IntegrityError):
            opens(path, other_key, other_name)
    with SealedFileWriter(path, key, name) as writer:
        writer.write(b"y" * (MIB + 1))
    with pytest.raises(IntegrityError):
        opens(path, key, name)
    path.unlink()
    with pytest.raises(AppError) as raised:
        opens(path, key, name)
    assert raised.value.kind is ErrorKind.MISSING
