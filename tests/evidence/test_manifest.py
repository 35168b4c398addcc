"""The manifest of a package: written and read back, and what strangers may put into one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import (
    ChannelId,
    OrganisationId,
    ProtocolError,
    ReasonedSpan,
    SiteId,
    Span,
    StreamId,
    new_id,
)
from civiscope.evidence import ExportedChannel, ExportMaker, FileRole, Manifest, PackageFile

ZEROS = "0" * 64


def manifest() -> Manifest:
    channel = ExportedChannel(
        ChannelId(new_id()), "Пазар", Span(1, 2_000_000), StreamId(new_id()), "video/a.mp4", "proof/a.jsonl",
        False, (ReasonedSpan(5, 9, "camera_gone", "no answer"),),
    )  # fmt: skip
    files = tuple(
        PackageFile(path, 7, ZEROS, "application/octet-stream", role)
        for path, role in (
            ("video/a.mp4", FileRole.MEDIA),
            ("proof/a.jsonl", FileRole.PROOF),
            ("certificates/s.der", FileRole.CERTIFICATE),
            ("certificates/a.der", FileRole.CERTIFICATE),
        )
    )
    return Manifest(
        new_id(), SiteId(new_id()), "Town", OrganisationId(new_id()),
        ExportMaker(1_796_083_200_000_000, "Anna", "public_safety", "a theft", "civiscope 0.1.0"),
        "certificates/s.der", "certificates/a.der", (channel,), files, {"case": {"number": "4/26"}},
    )  # fmt: skip


def test_what_is_written_is_read_back() -> None:
    one = manifest()
    assert Manifest.read(one.to_json()) == one
    assert one.file("video/a.mp4") == one.files[0]
    assert one.file("video/b.mp4") is None


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../b", "a//b", ".hidden", "a\\b", "", "a" * 201, "ä"]
)
def test_no_path_leads_out_of_the_package(path: str) -> None:
    body = json.loads(manifest().to_json())
    body["files"][0]["path"] = path
    with pytest.raises(ProtocolError):
        Manifest.read(json.dumps(body).encode())


@pytest.mark.parametrize("path", ["manifest.json", "manifest.sig", "proof/A.jsonl", "proof/a.jsonl"])
def test_a_name_stands_once_and_never_for_the_manifest(path: str) -> None:
    body = json.loads(manifest().to_json())
    body["files"].append({**body["files"][0], "path": path})
    with pytest.raises(ProtocolError):
        Manifest.read(json.dumps(body).encode())


def test_a_channel_of_files_that_are_not_there_is_refused() -> None:
    body = json.loads(manifest().to_json())
    del body["files"][0]
    with pytest.raises(ProtocolError, match="not in its list"):
        Manifest.read(json.dumps(body).encode())


def test_a_key_that_stands_twice_is_refused() -> None:
    data = manifest().to_json().replace(b'"name": "Town"', b'"name": "Town", "name": "City"')
    with pytest.raises(ProtocolError, match="twice"):
        Manifest.read(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Manifest.read(data)


@given(st.data())
def test_a_member_that_is_missing_or_of_another_kind_is_a_protocol_error(data: st.DataObject) -> None:
    body = json.loads(manifest().to_json())
    key = data.draw(st.sampled_from([one for one in body if one != "case"]))
    value: object = data.draw(st.sampled_from([None, 1.5, [], {}, "x", -1, [[]], True]))
    if key in ("channels", "files") and value == []:
        return
    body[key] = value
    if body[key] is True and key == "civiscope_export":
        body[key] = False
    with pytest.raises(ProtocolError):
        Manifest.read(json.dumps(body).encode())
