"""Destruction is written down first, chained and signed, done again after any cut and in every copy."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.recording.footage import Camera, Room, Site, make_site
from tests.recording.shredding import SECOND_US, Shredding, new_case

from civiscope.app.deletions import DeletionDesk, certificate_in_words, ledger_in_words
from civiscope.app.home import Home
from civiscope.app.verify_desk import VerifyDesk
from civiscope.base import AppError, ErrorKind
from civiscope.recording import (
    LEDGER_NAME,
    LedgerLine,
    check_certificate,
    deletions,
    is_certificate,
    read_lines,
    replay,
)
from civiscope.recording.destruction import LEDGER_START
from civiscope.storage import DirectoryFiles, DiskError, DiskFault, Files, RecordedFiles, after_cut


@pytest.fixture
def world(room: Room, tmp_path: Path) -> Shredding:
    made = Shredding(room, tmp_path, Camera(room.clock))
    made.film()
    return made


def ledger(world: Shredding) -> list[LedgerLine]:
    return list(read_lines((world.folder / "destroyed" / LEDGER_NAME).read_bytes()))


def test_a_deletion_is_ordered_and_done_on_record(world: Shredding, site: Site) -> None:
    world.grow_old()
    world.run()
    order, done = ledger(world)
    assert (order.kind, done.kind, done.of) == ("destroy", "done", order.sequence)
    assert order.previous == LEDGER_START
    assert done.previous == order.head
    (wraps,) = order.wraps
    assert (wraps.stream_id, wraps.site, wraps.cases) == (world.camera.stream_id, True, ())
    ((start_us, end_us),) = wraps.spans
    assert 11 * SECOND_US < end_us - start_us < 13 * SECOND_US
    assert "older than 1 h" in order.fields["policy"]
    for line in (order, done):
        signature = bytes.fromhex(line.fields["signature"])
        node = site.keyring.verify_signature(
            site.sealer.node_certificate, signature, line.statement, line.at_us
        )
        assert node == site.identity.node_id
    world.run()
    assert len(ledger(world)) == 2, "a run that destroys nothing writes nothing"


def test_a_copy_of_the_volume_is_destroyed_by_replaying(world: Shredding, tmp_path: Path) -> None:
    case = new_case()
    held = world.hold(case)
    world.run(world.wraps())
    copy = tmp_path / "copy"
    shutil.copytree(world.room.folder, copy)
    world.grow_old()
    world.run()
    again = DirectoryFiles(copy)
    assert replay(ledger(world), again) == 1
    assert [one.rpartition(".")[2] for one in again.names(f"keys/{world.camera.stream_id}")] == ["case"]
    world.end(held)
    world.run()
    assert replay(ledger(world), again) == 1
    assert replay(ledger(world), again) == 0
    assert again.names(f"keys/{world.camera.stream_id}") == []
    again.close()


@pytest.mark.parametrize("at", range(0, 40, 3))
def test_any_changed_byte_of_the_ledger_is_found(world: Shredding, site: Site, at: int) -> None:
    world.grow_old()
    world.run()
    data = bytearray((world.folder / "destroyed" / LEDGER_NAME).read_bytes())
    place = at * len(data) // 40
    data[place] ^= 0x01
    with pytest.raises(AppError):
        check(bytes(data) + b"\n", site)


def check(data: bytes, site: Site) -> None:
    """Chain and signatures hold."""
    for line in read_lines(data):
        signature = bytes.fromhex(line.fields["signature"])
        site.keyring.verify_signature(site.sealer.node_certificate, signature, line.statement, line.at_us)


def test_a_torn_last_line_is_taken_back(world: Shredding) -> None:
    path = world.folder / "destroyed" / LEDGER_NAME
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b'{"kind":"destroy","seq')
    world.grow_old()
    world.run()
    assert [one.kind for one in ledger(world)] == ["destroy", "done"]


def test_a_full_disk_with_an_order_left_open_does_not_stop_the_start(
    world: Shredding,
) -> None:
    class Full(DirectoryFiles):
        """Takes the order, and then no line any more."""

        taken = 0

        def append(self, path: str, *buffers: bytes | bytearray | memoryview) -> int:
            if path == LEDGER_NAME:
                Full.taken += 1
                if Full.taken > 1:
                    raise DiskError(DiskFault.FULL, "no space is left")
            return super().append(path, *buffers)

    world.grow_old()
    world.run(make=Full)
    assert [one.kind for one in ledger(world)] == ["destroy"]
    world.run(make=Full)
    assert [one.kind for one in ledger(world)] == ["destroy"]
    world.run()
    assert [one.kind for one in ledger(world)] == ["destroy", "done"]


def wrap_files(world: Shredding) -> list[str]:
    return sorted(one.name for one in (world.room.folder / "keys").rglob("*.key"))


def test_with_a_damaged_ledger_recording_goes_on_and_no_wrap_goes(world: Shredding) -> None:
    path = world.folder / "destroyed" / LEDGER_NAME
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"{}\n")
    wraps = wrap_files(world)
    world.grow_old()
    world.run()
    assert wrap_files(world) == wraps != []
    assert path.read_bytes() == b"{}\n"
    world.film()
    assert len(wrap_files(world)) > len(wraps)
    path.unlink()
    world.run()
    assert [one.kind for one in ledger(world)] == ["destroy", "done"]
    assert not set(wraps) & set(wrap_files(world))


class Shared:
    """Volume and ledger on one disk whose changes are remembered in one order."""

    def __init__(self, files: RecordedFiles, folder: str) -> None:
        self._files, self._folder = files, folder

    def append(self, path: str, *buffers: bytes | bytearray | memoryview) -> int:
        return self._files.append(f"{self._folder}/{path}", *buffers)

    def sync(self) -> None:
        self._files.sync()

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        return self._files.read(f"{self._folder}/{path}", offset, length)

    def size_bytes(self, path: str) -> int:
        return self._files.size_bytes(f"{self._folder}/{path}")

    def names(self, folder: str) -> list[str]:
        return self._files.names(f"{self._folder}/{folder}")

    def truncate(self, path: str, size_bytes: int) -> None:
        self._files.truncate(f"{self._folder}/{path}", size_bytes)

    def rename(self, path: str, new_path: str) -> None:
        self._files.rename(f"{self._folder}/{path}", f"{self._folder}/{new_path}")

    def remove(self, path: str) -> None:
        self._files.remove(f"{self._folder}/{path}")

    def release(self, path: str) -> None:
        self._files.release(f"{self._folder}/{path}")

    def free_bytes(self) -> int:
        return self._files.free_bytes()

    def close(self) -> None:
        """The disk is the test's to close."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[RecordedFiles]:
    files = RecordedFiles(DirectoryFiles(tmp_path / "disk"))
    yield files
    files.close()


def test_a_power_cut_at_any_moment_of_a_destruction(
    room: Room, site: Site, tmp_path: Path, disk: RecordedFiles
) -> None:
    room.folder = tmp_path / "disk" / "volume"
    room.make_files = lambda _: Shared(disk, "volume")
    world = Shredding(room, tmp_path, Camera(room.clock))
    case = new_case()
    world.film(9)
    world.hold(case)
    on_disk: list[Files] = [Shared(disk, "destroyed")]
    world.run(world.wraps(), lambda _: on_disk[0])
    begin = len(disk.changes)
    world.grow_old()
    world.run((), lambda _: on_disk[0])
    chance = random.Random(5)
    for count in range(begin, len(disk.changes) + 1):
        folder = tmp_path / f"cut{count}"
        after_cut(disk.changes, count, chance, folder)
        after = Shredding(
            Room(site, folder / "volume", room.clock, room.settings), folder, world.camera, world.cases
        )
        after.holds = world.holds
        after.apply()
        ordered = (folder / "destroyed" / LEDGER_NAME).exists()
        wraps_before = after.names()
        after.run()
        lines = ledger(after)
        assert after.seen() > 15, f"cut {count}: the held span opens"
        assert after.names() == [str(case.case_id)]
        assert [one.kind for one in lines] == ["destroy", "done"]
        assert ordered or "key" in wraps_before, f"cut {count}: nothing went that was not ordered"


def certificate_of(world: Shredding) -> bytes:
    world.grow_old()
    world.run()
    (one,) = deletions((world.folder / "destroyed" / LEDGER_NAME).read_bytes())
    digest = one.order.fields["certificate"]
    return one.to_json((world.folder / "destroyed" / f"node-{digest}.der").read_bytes())


def test_a_certificate_proves_what_was_destroyed_and_nothing_else(
    world: Shredding, site: Site, tmp_path: Path
) -> None:
    data = certificate_of(world)
    assert is_certificate(data)
    found = check_certificate(data, site.keyring.trust.verify_node)
    assert [one.stream_id for one in found.order.wraps] == [world.camera.stream_id]
    elsewhere = make_site(tmp_path / "other").keyring.trust
    with pytest.raises(AppError):
        check_certificate(data, elsewhere.verify_node)
    for old, new in (
        (b'"reason": "retention"', b'"reason": "by hand"'), (b'"hour": 4', b'"hour": 5'),
        (b'"kind": "done"', b'"kind": "destroy"'), (b'"version": 1', b'"version": 2'),
        (b'"sealed_to"', b'"sealed_tu"'), (b'"chain_head": "', b'"chain_head": "0'),
    ):  # fmt: skip
        assert old in data
        with pytest.raises(AppError):
            check_certificate(data.replace(old, new, 1), site.keyring.trust.verify_node)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_said_in_place_of_a_certificate_is_refused_in_words(
    data: st.DataObject, site: Site
) -> None:
    garbage = data.draw(
        st.one_of(
            st.binary(max_size=200),
            st.recursive(
                st.none() | st.integers() | st.text(max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(["format", "version", "order", "done", "chain_head"]),
                        inner,
                        max_size=4,
                    )
                ),
                max_leaves=8,
            ).map(lambda one: json.dumps(one).encode()),
        )
    )
    with pytest.raises(AppError):
        check_certificate(garbage, site.keyring.trust.verify_node)


def test_verify_takes_a_certificate_of_deletion(world: Shredding, site: Site, tmp_path: Path) -> None:
    path = tmp_path / "deletion-1.json"
    path.write_bytes(certificate_of(world))
    nowhere, authority = Home(tmp_path / "nowhere"), site.keys.server_folder / "nodes.pem"
    (report,) = VerifyDesk(nowhere, authority).reports([path])
    assert (report.kind, report.verdict, report.is_good) == ("deletion", "whole", True)
    assert report.signed_by == (str(site.identity.node_id),)
    assert [one.stream for one in report.erased] == [str(world.camera.stream_id)]
    with pytest.raises(AppError, match="authority"):
        list(VerifyDesk(nowhere, None).reports([path]))
    path.write_bytes(path.read_bytes().replace(b'"retention"', b'"by hand.."', 1))
    (report,) = VerifyDesk(nowhere, authority).reports([path])
    assert (report.verdict, report.is_good) == ("altered", False)
    assert "does not follow" in report.found[0].what


async def test_the_desk_and_the_words_of_deletions(world: Shredding, site: Site) -> None:
    folder = world.folder / "destroyed"
    desk = DeletionDesk(folder)
    assert await desk.page(10) == []
    data = certificate_of(world)
    (one,) = await desk.page(10)
    assert await desk.page(10, before=one.order.sequence) == []
    assert await desk.certificate(one.order.sequence) == data
    with pytest.raises(AppError) as missing:
        await desk.certificate(7)
    assert missing.value.kind is ErrorKind.MISSING
    trust = site.keyring.trust
    assert "genuine" in certificate_in_words(data, trust)[0]
    assert ledger_in_words(folder, trust) == (
        "the destruction ledger is whole: 2 lines, chained and signed",
        True,
    )
    path = folder / LEDGER_NAME
    path.write_bytes(path.read_bytes().replace(b"retention", b"by hand..", 1))
    words, holds = ledger_in_words(folder, trust)
    assert not holds
    assert "NOT whole" in words
