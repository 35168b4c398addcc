"""Strangers' XML: any bytes give a bounded tree or ProtocolError; what is written reads back."""

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ProtocolError
from civiscope.devices.drivers.onvif.xml_tree import DEPTH_LIMIT, ELEMENT_LIMIT, Node, parse_xml, write_xml

_NAMES = st.text(string.ascii_letters, min_size=1, max_size=8)
_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")).map(
    lambda text: " ".join(text.split())
)
_SPACES = st.sampled_from(["", "urn:one", "http://two.example/x?y&z"])
_KEYS = st.one_of(_NAMES, _NAMES.map(lambda name: "{urn:attributes}" + name)).filter(
    lambda key: not key.lower().startswith("xml")
)
_NODES = st.recursive(
    st.builds(
        Node,
        _NAMES,
        _SPACES,
        st.dictionaries(_KEYS, _TEXT, max_size=3).map(lambda d: tuple(d.items())),
        _TEXT,
    ),
    lambda inner: st.builds(
        Node, _NAMES, _SPACES, st.just(()), st.just(""), st.lists(inner, max_size=4).map(tuple)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(ProtocolError):
        assert parse_xml(data).name


@given(_NODES, st.integers(0, 400), st.integers(0, 255))
def test_a_bent_document_is_read_or_refused(node: Node, at: int, byte: int) -> None:
    data = bytearray(write_xml(node).encode())
    data[at % len(data)] = byte
    with suppress(ProtocolError):
        parse_xml(bytes(data))


@given(_NODES)
def test_what_is_written_is_read_back(node: Node) -> None:
    assert parse_xml(write_xml(node).encode()) == node


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>',
        b"<a>&unknown;</a>",
        b"<a>" * (DEPTH_LIMIT + 1) + b"</a>" * (DEPTH_LIMIT + 1),
        b"<a>" + b"<b/>" * ELEMENT_LIMIT + b"</a>",
        b"<a " + b" ".join(b'k%d="1"' % n for n in range(65)) + b"/>",
        b"<a>" + b"x" * 65_537 + b"</a>",
        b"<a>" + b" " * (2 * 1024 * 1024) + b"</a>",
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b'<?xml version="1.0" encoding="idna"?><a/>',
        b"<a/><b/>",
        b"",
    ],
    ids=lambda data: repr(data[:24]),
)
def test_hostile_documents_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_xml(data)


def test_paths_texts_and_attributes() -> None:
    node = parse_xml(b'<a xmlns:t="urn:t" t:k="1" l="2"><t:b> x </t:b><b>y</b><c><d>z</d></c></a>')
    assert node.value("b") == "x"
    assert [child.text for child in node.all("b")] == ["x", "y"]
    assert (node.attribute("k"), node.attribute("l"), node.attribute("m")) == ("1", "2", "")
    assert node.value("c", "d") == "z"
    assert node.value("c", "e") == ""
    assert node.with_text(("c", "d"), "w").value("c", "d") == "w"
    assert node.with_text(("n", "d"), "w") == node
    assert node.with_attribute("l", "3").attribute("l") == "3"
    assert node.with_attribute("m", "4").attribute("m") == "4"
    assert [found.text for found in node.descendants("b")] == ["x", "y"]


def test_what_xml_cannot_hold_is_not_written() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        write_xml(Node("a", text="\x00"))
