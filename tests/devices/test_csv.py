"""Tables of devices: every dialect people's programs write, one clear problem for each bad line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind
from civiscope.devices import FoundDevice, Transport, read_csv, table_of

HEADER = "name,address,username,password,place,latitude,longitude,purpose,group,transport,audio,driver\n"


def test_a_whole_line() -> None:
    text = HEADER + (
        '"Gate, north",rtsp://10.0.0.1/s,admin," open;sesame""",Pier,42.5,27.5,public_safety,'
        "North/School,UDP,yes,\r\n"
    )
    (row,) = read_csv(text)
    assert (row.line, row.problem, row.group) == (2, None, "North/School")
    assert row.draft is not None
    assert row.draft.password is not None
    assert row.draft.password.reveal() == ' open;sesame"'
    assert (row.draft.username, row.draft.transport, row.draft.driver) == ("admin", Transport.UDP, None)
    channel = row.channel
    assert (channel.name, channel.place, channel.latitude, channel.longitude, channel.audio) == (
        "Gate, north",
        "Pier",
        42.5,
        27.5,
        True,
    )
    assert "sesame" not in repr(row)


def test_other_dialects() -> None:
    text = "\ufeff\r\nADDRESS ; Name;latitude;longitude\r\n10.0.0.1;Gate;42,5;27,5\r\n"
    text += "\r\n;;;\r\n10.0.0.2;Yard\r\n"
    first, second = read_csv(text)
    assert (first.line, first.channel.latitude) == (3, 42.5)
    assert (second.line, second.channel.name) == (6, "Yard")


def test_a_cell_that_looks_like_a_formula_is_data() -> None:
    names = ["=cmd|' /C calc'!A0", "+1", "-2", "@SUM(A1)"]
    rows = read_csv("name,address\n" + "".join(f'"{name}",10.0.0.{at}\n' for at, name in enumerate(names, 1)))
    assert [row.channel.name for row in rows] == names


def test_lines_are_counted_as_an_editor_does() -> None:
    text = 'name,address,place\nA,10.0.0.1,"two\nlines"\nB,10.0.0.2,x\n'
    first, second = read_csv(text)
    assert (first.line, second.line) == (2, 4)
    assert first.problem is not None  # a place is one line of text
    assert second.problem is None


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (",10.0.0.1", "no name"),
        ("A,", "empty"),
        ("A,exec:rm", "must be"),
        ("A,ftp://x/", "not taken"),
        ("A,10.0.0.1,,word", "no user name"),
        ("A,10.0.0.1,u,p,,1", "go together"),
        ("A,10.0.0.1,u,p,,north,1", "latitude is no number"),
        ("A,10.0.0.1,u,p,,91,1", "globe"),
        ("A,10.0.0.1,u,p,,nan,1", "globe"),
        ("A,10.0.0.1,u,p,,,,,,pigeon", "tcp or udp"),
        ("A,10.0.0.1,u,p,,,,,,,perhaps", "yes or no"),
        ("A,10.0.0.1,u,p,,,,,,,,,more", "13 cells"),
        ("A,169.254.169.254", "machine's host"),
    ],
)
def test_a_bad_line_has_its_problem(line: str, word: str) -> None:
    bad, good = read_csv(HEADER + line + "\nGood,10.0.0.9\n")
    assert bad.problem is not None
    assert word in bad.problem
    assert (bad.draft, good.problem) == (None, None)


def test_the_same_address_twice_is_a_problem_of_the_second() -> None:
    first, second = read_csv("name,address\nA,rtsp://cam/x\nB,RTSP://cam:554/x\n")
    assert (first.problem, second.problem) == (None, "The address stands in line 2 already.")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("Gate,10.0.0.1\n", "must name columns"),
        ("name,name,address\n", "Column 2"),
        ("name,place\n", "no column address"),
        ('name,address\n"A,10.0.0.1\n', "line 2"),
        ('name,address\n"A"x,10.0.0.1\n', "line 2"),
        ("name,address\n" + "A,10.0.0.1\n" * 501, "501 lines"),
        ("x" * 70_000, "Cut it"),
    ],
)
def test_a_table_that_is_none(text: str, word: str) -> None:
    with pytest.raises(AppError, match=word) as caught:
        read_csv(text)
    assert caught.value.kind is ErrorKind.INVALID


_WORDS = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30).map(
    lambda text: "x" + text.strip()
)


@given(st.lists(st.tuples(_WORDS, _WORDS), min_size=1, max_size=20), st.sampled_from([",", ";"]))
def test_what_a_program_writes_is_read(rows: list[tuple[str, str]], delimiter: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["name", "address", "place"])
    for at, (name, place) in enumerate(rows, 1):
        writer.writerow([name, f"10.0.0.{at}", place])
    found = read_csv(out.getvalue())
    assert len(found) == len(rows)
    for row in found:
        assert (row.draft is None) == (row.problem is not None)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for typed in (text, HEADER + text):
        try:
            rows = read_csv(typed)
        except AppError as error:
            assert error.kind is ErrorKind.INVALID  # noqa: PT017  both ways are right
        else:
            assert all((row.draft is None) == (row.problem is not None) for row in rows)


def test_what_was_found_is_a_table_that_is_read_back() -> None:
    found = [
        FoundDevice(
            "onvif", f"urn:{at}", (f"http://10.0.0.{at}/onvif/device_service", "http://[fe80::1]/"), name
        )
        for at, name in enumerate(["Dome", "Dome", "", '=cmd|"x", y', "Dome", "- "], 1)
    ]
    rows = read_csv(table_of([*found, FoundDevice("onvif", "urn:nowhere", ())]))
    assert [row.problem for row in rows] == [None] * 6
    assert [row.channel.name for row in rows] == [
        "Dome",
        "Dome 2",
        "10.0.0.3",
        'cmd|"x", y',
        "Dome 3",
        "10.0.0.6",
    ]
    assert [row.draft.address for row in rows if row.draft] == [one.addresses[0] for one in found]
    assert read_csv("name,address\n") == read_csv(table_of([]))
