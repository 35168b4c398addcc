"""ONVIF Media Signing on the specification's own streams, whole and tampered with, recorded and exported."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recording.footage import EVERYTHING, Camera, Room, Site, play_file, recorded

from civiscope.base import ProtocolError
from civiscope.media import AccessUnit, Codec, FileUnits, parse_signing_sei
from civiscope.media.wire import iterate_nals, join_nals
from civiscope.recording import CameraFinding, CameraVerdict, camera_findings
from civiscope.security import CameraAnchors

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "signed"
IN_2025_US = 1_740_000_000_000_000
AUTHENTIC, FALSE = CameraVerdict.AUTHENTIC, CameraVerdict.NOT_AUTHENTIC
GOPS = 4
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="needs the signed streams in ../shared/data/signed"
)


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    return list(FileUnits(FOLDER / "test_signed_h264.mp4").units)


@pytest.fixture(scope="module")
def anchors() -> CameraAnchors:
    return CameraAnchors([(FOLDER / "ca.pem").read_bytes()])


def found(
    units: list[AccessUnit], anchors: CameraAnchors, codec: Codec = Codec.H264, at_us: int = IN_2025_US
) -> list[CameraFinding]:
    return list(camera_findings(((one.data, one.arrival_us) for one in units), codec, anchors, at_us))


def verdicts(units: list[AccessUnit], anchors: CameraAnchors) -> list[CameraVerdict]:
    return [one.verdict for one in found(units, anchors)]


def flipped(unit: AccessUnit, place: int) -> AccessUnit:
    data = bytearray(unit.data)
    data[place] ^= 1
    return replace(unit, data=bytes(data))


def test_the_signed_stream_is_authentic_to_its_last_document(
    units: list[AccessUnit], anchors: CameraAnchors
) -> None:
    stretches = found(units, anchors)
    signed = [one for one in stretches if one.verdict is AUTHENTIC]
    assert len(signed) >= GOPS
    assert [one.verdict for one in stretches[: len(signed)]] == [AUTHENTIC] * len(signed)
    assert len(signed) == len(stretches), "the last document stands in the last unit"
    cut = found(units[:200], anchors)
    assert [one.verdict for one in cut] == [AUTHENTIC] * 3 + [CameraVerdict.UNSIGNED]
    assert "after the end" in cut[-1].detail
    late = found(units[62:], anchors)
    assert {one.verdict for one in late} == {AUTHENTIC}, "from any key unit on"
    assert signed[0].start_us == units[0].arrival_us


def test_a_change_in_any_picture_is_found_in_its_gop(units: list[AccessUnit], anchors: CameraAnchors) -> None:
    stretches = [one for one in found(units, anchors) if one.verdict is AUTHENTIC]
    covered = [n for n, one in enumerate(units) if one.arrival_us <= stretches[-1].end_us]
    for number in {*covered[::17], *(n for n in covered if units[n].is_key)}:
        changed = [*units]
        changed[number] = flipped(units[number], len(units[number].data) - 1)
        told = [
            one for one in found(changed, anchors) if one.start_us <= units[number].arrival_us <= one.end_us
        ]
        assert told, number
        assert FALSE in {one.verdict for one in told}, number


def test_every_picture_that_is_left_out_or_swapped_is_found(
    units: list[AccessUnit], anchors: CameraAnchors
) -> None:
    signed = sum(one is AUTHENTIC for one in verdicts(units, anchors))
    first_gop = next(n for n, one in enumerate(units) if n and one.is_key)
    for number in {1, 7, first_gop - 1, first_gop, first_gop + 3}:
        without = [*units[:number], *units[number + 1 :]]
        assert FALSE in verdicts(without, anchors), number
        swapped = [*units]
        swapped[number], swapped[number + 1] = (
            replace(units[number], data=units[number + 1].data),
            replace(units[number + 1], data=units[number].data),
        )
        assert sum(one is AUTHENTIC for one in verdicts(swapped, anchors)) < signed, number
    keys = [n for n, one in enumerate(units) if one.is_key]
    without_gop = [*units[: keys[1]], *units[keys[2] :]]
    assert FALSE in verdicts(without_gop, anchors)


def test_a_changed_document_is_not_authentic(units: list[AccessUnit], anchors: CameraAnchors) -> None:
    number = next(n for n, one in enumerate(units) if b"\x00\x5b\xc9\x3f" in one.data)
    sei = bytes(next(iterate_nals(units[number].data)))
    for place in range(0, len(sei), 97):
        changed = [*units]
        changed[number] = flipped(units[number], 4 + place)
        assert sum(one is AUTHENTIC for one in verdicts(changed, anchors)) <= GOPS
        assert verdicts(changed, anchors)[0] is not AUTHENTIC, place


def test_without_its_root_the_key_is_not_verified(units: list[AccessUnit], site: Site) -> None:
    foreign = CameraAnchors([site.keys.authority_pem()])
    told = found(units, foreign)
    assert {one.verdict for one in told[:GOPS]} == {CameraVerdict.KEY_NOT_VERIFIED}
    assert "no trusted root" in told[0].detail
    late = found(units, CameraAnchors([(FOLDER / "ca.pem").read_bytes()]), at_us=2 * IN_2025_US)
    assert {one.verdict for one in late[:GOPS]} == {CameraVerdict.KEY_NOT_VERIFIED}
    assert "not valid when" in late[0].detail


@pytest.mark.parametrize(("name", "codec"), [("test_h264.mp4", Codec.H264), ("test_h265.mp4", Codec.H265)])
def test_an_unsigned_stream_is_unsigned(name: str, codec: Codec, anchors: CameraAnchors) -> None:
    told = found(list(FileUnits(FOLDER / name).units), anchors, codec)
    assert [one.verdict for one in told] == [CameraVerdict.UNSIGNED]


def test_a_stream_whose_documents_were_taken_out_is_unsigned(
    units: list[AccessUnit], anchors: CameraAnchors
) -> None:
    plain = [
        replace(one, data=join_nals(nal for nal in iterate_nals(one.data) if nal[0] & 31 != 6))
        for one in units
    ]
    assert {one.verdict for one in found(plain, anchors)} == {CameraVerdict.UNSIGNED}


def test_it_passes_through_recorder_and_export_untouched(
    site: Site, tmp_path: Path, units: list[AccessUnit], anchors: CameraAnchors
) -> None:
    file = FileUnits(FOLDER / "test_signed_h264.mp4")
    room = Room(site, tmp_path / "volume")
    recorder, camera = room.recorder(), Camera(room.clock)
    play_file(recorder, camera, file)
    camera.end(recorder)
    recorder.close()
    archive = room.archive()
    sent = [one.data for one in units]
    assert [one.data for one in recorded(archive, camera.stream_id)] == sent
    pieces = list(archive.export_proved(camera.stream_id, EVERYTHING, "video/a.mp4"))
    media = b"".join(one.media for one in pieces)
    assert media[media.index(b"mdat") + 4 :] == b"".join(sent)
    path = tmp_path / "export.mp4"
    path.write_bytes(media)
    assert verdicts(list(FileUnits(path).units), anchors) == verdicts(units, anchors)


@given(st.binary(max_size=200), st.sampled_from([Codec.H264, Codec.H265]))
def test_any_bytes_are_a_document_or_none_or_a_protocol_error(tail: bytes, codec: Codec) -> None:
    head = b"\x06\x05" if codec is Codec.H264 else b"\x4e\x01\x05"
    uuid = bytes.fromhex("005bc93f2d715e95ada4796f90877a6f")
    for nal in (tail, head + tail, head + bytes((16 + len(tail),)) + uuid + tail):
        try:
            parse_signing_sei(nal, codec)
        except ProtocolError:
            continue
