"""A streamed ZIP is one that other programs read, and exactly as long as was said."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from civiscope.evidence import ZipEntry, zip_pieces, zip_size

AT_US = 1_796_083_200_000_000
GIB = 1 << 30


def entry(path: str, data: bytes) -> ZipEntry:
    return ZipEntry(path, len(data), zlib.crc32(data), lambda: iter((data,)))


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}/[a-z]{1,8}", fullmatch=True), st.binary(max_size=99)))
def test_any_files_are_read_back(files: dict[str, bytes]) -> None:
    entries = [entry(path, data) for path, data in files.items()]
    made = b"".join(zip_pieces(entries, AT_US))
    assert len(made) == zip_size(entries, AT_US)
    with zipfile.ZipFile(io.BytesIO(made)) as found:
        assert found.testzip() is None
        assert {name: found.read(name) for name in found.namelist()} == files
        at = datetime.fromtimestamp(AT_US / 1e6, UTC)
        assert all(one.date_time == at.timetuple()[:6] for one in found.infolist())


def test_files_of_over_4_gib_are_read_back(tmp_path: Path) -> None:
    """Zeros that are skipped over on a sparse file, so that it costs nothing."""
    sizes = {"video/large.mp4": 5 * GIB, "video/behind.mp4": 10}
    hole = 5 * GIB - 10

    def large() -> Iterator[bytes]:
        yield b"0123456789"
        yield b"HOLE"

    entries = [ZipEntry("video/large.mp4", 5 * GIB, 0, large), entry("video/behind.mp4", b"abcdefghij")]
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        for piece in zip_pieces(entries, AT_US):
            if piece == b"HOLE":
                file.seek(hole, io.SEEK_CUR)
            else:
                file.write(piece)
    assert path.stat().st_size == zip_size(entries, AT_US)
    with zipfile.ZipFile(path) as found:
        assert {one.filename: one.file_size for one in found.infolist()} == sizes
        assert found.read("video/behind.mp4") == b"abcdefghij"
        with found.open("video/large.mp4") as one:
            assert one.read(10) == b"0123456789"
