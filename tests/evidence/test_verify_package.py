"""A package that was not touched is whole; every change of it is found, and named where it is."""

import json
import os
import zipfile
from pathlib import Path

import pytest
from tests.evidence.package_maker import (
    MEDIA,
    PROOF,
    Maker,
    MemoryPackage,
    make_maker,
    make_package,
)
from tests.recording.footage import EPOCH_US, FRAME_US, make_site

from civiscope.base import AppError, Span
from civiscope.evidence import ExportedChannel, PackageVerdict, open_package, verify_package
from civiscope.recording import Verdict
from civiscope.security import SiteTrust

Made = tuple[Maker, MemoryPackage, ExportedChannel]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("package")
    maker = make_maker(make_site(folder / "keys"))
    return maker, *make_package(maker, folder)


def proof_lines(package: MemoryPackage) -> list[dict[str, object]]:
    return [json.loads(line) for line in package.files[PROOF].splitlines()]


def with_lines(made: Made, lines: list[dict[str, object]]) -> PackageVerdict:
    """The verdict when the proof was replaced and the manifest signed again with the site's own key."""
    maker, package, channel = made
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return verify_package(maker.sign(package.changed(PROOF, data), channel))


def test_an_untouched_package_is_whole(made: Made) -> None:
    maker, package, _ = made
    found = verify_package(package)
    assert (found.verdict, found.findings) == (Verdict.WHOLE, ())
    assert found.signed_by == maker.site.keys.identity.node_id
    assert (found.is_known_authority, found.authority) == (
        False,
        SiteTrust.read(maker.signer.authority).fingerprint,
    )
    proof = found.channels[0].proof
    assert proof is not None
    assert (proof.unit_count, proof.segment_count) == (16, 2)
    assert proof.signed_by == (maker.site.keys.identity.node_id,)
    assert [one.reason for one in found.declared] == ["camera_gone"] or len(found.declared) >= 1


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # a changed certificate may have one below 0
def test_every_changed_byte_of_every_file_is_found(made: Made, tmp_path: Path) -> None:
    package, _ = make_package(made[0], tmp_path, frames=2, mean_bytes=16, runs=1)
    assert verify_package(package).verdict is Verdict.WHOLE
    for path, data in package.files.items():
        for place in range(len(data)):
            changed = data[:place] + bytes((data[place] ^ (1 << place % 8),)) + data[place + 1 :]
            found = verify_package(package.changed(path, changed))
            assert found.verdict is not Verdict.WHOLE, (path, place)


def test_every_file_that_is_gone_cut_or_strange_is_found(made: Made) -> None:
    _, package, _ = made
    for path, data in package.files.items():
        assert verify_package(package.changed(path, None)).verdict is not Verdict.WHOLE, path
        assert verify_package(package.changed(path, data[:-1])).verdict is not Verdict.WHOLE, path
        assert verify_package(package.changed(path, data + b"\n")).verdict is not Verdict.WHOLE, path
    [one] = verify_package(package.changed("video/other.mp4", b"")).findings
    assert (one.path, one.finding.verdict) == ("video/other.mp4", Verdict.ALTERED)


def test_a_changed_access_unit_is_named_with_its_time(made: Made) -> None:
    _, package, _ = made
    media = package.files[MEDIA]
    place = len(media) - 1  # in the last unit of the second run
    found = verify_package(package.changed(MEDIA, media[:place] + bytes((media[place] ^ 1,))))
    units = [one.finding for one in found.findings if one.finding.sequence is not None]
    assert [(one.verdict, one.sequence) for one in units] == [(Verdict.ALTERED, 7)]
    assert units[0].wall_us is not None
    assert abs(units[0].wall_us - (EPOCH_US + 15 * FRAME_US + 3_000_000)) < 2 * FRAME_US


def test_what_the_site_itself_signs_anew_is_still_found_by_the_nodes_signatures(made: Made) -> None:
    maker, package, channel = made
    media = package.files[MEDIA]
    changed = package.changed(MEDIA, media[:-1] + bytes((media[-1] ^ 1,)))
    found = verify_package(maker.sign(changed, channel))
    assert found.verdict is Verdict.ALTERED
    assert {one.path for one in found.findings} == {MEDIA}


def test_parts_that_are_left_out_swapped_or_doubled_are_found(made: Made) -> None:
    lines = proof_lines(made[1])
    parts = [number for number, line in enumerate(lines) if "part" in line]
    assert with_lines(made, lines).verdict is Verdict.WHOLE
    for number in parts:
        assert with_lines(made, [*lines[:number], *lines[number + 1 :]]).verdict is not Verdict.WHOLE
    doubled = [*lines[: parts[0]], lines[parts[0]], *lines[parts[0] :]]
    assert with_lines(made, doubled).verdict is Verdict.REORDERED
    ends = [number for number, line in enumerate(lines) if "end" in line]
    segments = [number for number, line in enumerate(lines) if "segment" in line]
    second, first = lines[segments[1] : ends[1] + 1], lines[segments[0] : ends[0] + 1]
    assert with_lines(made, [lines[0], *second, *first]).verdict is not Verdict.WHOLE


def test_every_changed_figure_of_the_proof_is_found(made: Made) -> None:
    lines = proof_lines(made[1])
    number = next(number for number, line in enumerate(lines) if "part" in line)
    part = lines[number]["part"]
    assert isinstance(part, dict)
    for index in range(7):
        units = [list(one) for one in part["units"]]
        units[0][index] += 1
        changed = [*lines]
        changed[number] = {"part": {**part, "units": units}}
        assert with_lines(made, changed).verdict is not Verdict.WHOLE, index


def test_another_authority_is_not_believed(made: Made, tmp_path: Path) -> None:
    _, package, _ = made
    stranger = make_maker(make_site(tmp_path / "keys"))
    found = verify_package(package, SiteTrust.read(stranger.signer.authority))
    assert found.verdict is Verdict.ALTERED
    assert found.is_known_authority
    assert found.signed_by is None
    known = verify_package(package, SiteTrust.read(made[0].signer.authority))
    assert (known.verdict, known.is_known_authority) == (Verdict.WHOLE, True)


def test_a_span_within_is_whole_too(made: Made, tmp_path: Path) -> None:
    span = Span(EPOCH_US + 3 * FRAME_US, EPOCH_US + 20 * FRAME_US)
    package, _ = make_package(made[0], tmp_path, frames=40, runs=1, span=span)
    found = verify_package(package)
    assert (found.verdict, found.findings) == (Verdict.WHOLE, ())


def test_a_folder_and_a_zip_of_it_say_the_same(made: Made, tmp_path: Path) -> None:
    _, package, _ = made
    folder = package.write(tmp_path / "export")
    assert verify_package(open_package(folder)).verdict is Verdict.WHOLE
    for name, prefix in (("flat", ""), ("nested", "case-4/")):
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for one, data in package.files.items():
                packed.writestr(prefix + one, data)
        assert verify_package(open_package(path)).verdict is Verdict.WHOLE, name
    os.rename(folder / MEDIA, tmp_path / "elsewhere.mp4")
    (folder / MEDIA).symlink_to(tmp_path / "elsewhere.mp4")
    assert verify_package(open_package(folder)).verdict is Verdict.CUT
    with pytest.raises(AppError, match="no ZIP"):
        open_package(tmp_path / "elsewhere.mp4")
