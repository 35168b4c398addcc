"""A stranger's XML as a bounded tree of plain values; no DTD, no entities, nothing fetched.

Names are compared by their local part only: cameras in the field use wrong namespaces, and never two elements
of one local name side by side with different meanings where we look.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from xml.parsers import expat  # DTDs are refused, depth, count and sizes bounded, below
from xml.sax.saxutils import escape, quoteattr

from civiscope.base import ProtocolError

DOCUMENT_LIMIT_BYTES = 2 * 1024 * 1024
DEPTH_LIMIT = 48
ELEMENT_LIMIT = 30_000
ATTRIBUTE_LIMIT = 64
TEXT_LIMIT_CHARS = 65_536
"""Of one element, without its children's."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Node:
    """One element. Text is stripped; text between children is joined."""

    name: str
    """Local part."""
    namespace: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    """`name` or `{namespace}name`."""
    text: str = ""
    children: tuple["Node", ...] = ()

    def all(self, name: str) -> tuple["Node", ...]:
        """Children of this local name."""
        return tuple(child for child in self.children if child.name == name)

    def find(self, *path: str) -> "Node | None":
        """The first element at this path of local names, or None."""
        found: Node | None = self
        for name in path:
            found = next((child for child in found.children if child.name == name), None) if found else None
        return found

    def value(self, *path: str) -> str:
        """The text at this path; empty where there is none."""
        found = self.find(*path)
        return found.text if found else ""

    def attribute(self, name: str) -> str:
        """An attribute's value by its local name; empty where there is none."""
        return next((text for key, text in self.attributes if key.rpartition("}")[2] == name), "")

    def descendants(self, name: str) -> Iterator["Node"]:
        """Every element of this local name below and including this one, in document order."""
        if self.name == name:
            yield self
        for child in self.children:
            yield from child.descendants(name)

    def with_text(self, path: tuple[str, ...], text: str) -> "Node":
        """The same tree with another text at this path; unchanged where the path is not there."""
        if not path:
            return replace(self, text=text)
        children = list(self.children)
        for at, child in enumerate(children):
            if child.name == path[0]:
                children[at] = child.with_text(path[1:], text)
                return replace(self, children=tuple(children))
        return self

    def with_attribute(self, name: str, text: str) -> "Node":
        """The same element with this attribute set; one that it has keeps its place."""
        kept = [(key, text if key == name else value) for key, value in self.attributes]
        if not any(key == name for key, _ in kept):
            kept.append((name, text))
        return replace(self, attributes=tuple(kept))


@dataclass(slots=True)
class _Open:
    name: str
    namespace: str
    attributes: tuple[tuple[str, str], ...]
    text: list[str] = field(default_factory=list)
    text_chars: int = 0
    children: list[Node] = field(default_factory=list)


class _Builder:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._count = 0

    def start(self, name: str, attributes: list[str]) -> None:
        self._count += 1
        if self._count > ELEMENT_LIMIT:
            raise ProtocolError(f"the answer has more than {ELEMENT_LIMIT} elements")
        if len(self._open) >= DEPTH_LIMIT:
            raise ProtocolError(f"the answer is nested deeper than {DEPTH_LIMIT} elements")
        if len(attributes) > 2 * ATTRIBUTE_LIMIT:
            raise ProtocolError(f"an element of the answer has more than {ATTRIBUTE_LIMIT} attributes")
        namespace, _, local = name.rpartition("}")
        pairs = tuple(
            (key if "}" not in key else "{" + key, text)
            for key, text in zip(attributes[::2], attributes[1::2], strict=True)
        )
        self._open.append(_Open(local, namespace, pairs))

    def data(self, text: str) -> None:
        if self._open:
            top = self._open[-1]
            top.text_chars += len(text)
            if top.text_chars > TEXT_LIMIT_CHARS:
                raise ProtocolError(f"an element of the answer holds more than {TEXT_LIMIT_CHARS} characters")
            top.text.append(text)

    def end(self, _name: str) -> None:
        top = self._open.pop()
        node = Node(top.name, top.namespace, top.attributes, "".join(top.text).strip(), tuple(top.children))
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node

    def refuse(self, *_declaration: object) -> None:
        raise ProtocolError("the answer declares a document type or an entity, which no device needs")


def parse_xml(data: bytes) -> Node:
    """The document's root; ProtocolError whatever else the bytes are."""
    if len(data) > DOCUMENT_LIMIT_BYTES:
        raise ProtocolError(f"the answer is longer than {DOCUMENT_LIMIT_BYTES} bytes")
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    try:
        parser.Parse(data.strip(b"\x00 \t\r\n\xa0"), True)
    except (expat.ExpatError, ValueError, LookupError, UnicodeError) as error:
        raise ProtocolError(f"the answer is no XML: {str(error)[:100]}") from None
    if builder.root is None:
        raise ProtocolError("the answer is empty")
    return builder.root


def write_xml(node: Node) -> str:
    """The element as text; namespaces are declared where they begin. ValueError for what XML cannot hold."""
    return _write(node, "", {})


def _write(node: Node, default: str, prefixes: dict[str, str]) -> str:
    parts = [f"<{node.name}"]
    if node.namespace != default:
        parts.append(f" xmlns={quoteattr(node.namespace)}")
    for key, text in node.attributes:
        namespace, _, local = key.rpartition("}")
        if namespace:
            uri = namespace.removeprefix("{")
            if uri not in prefixes:
                prefixes = {**prefixes, uri: f"a{len(prefixes)}"}
                parts.append(f" xmlns:{prefixes[uri]}={quoteattr(uri)}")
            local = f"{prefixes[uri]}:{local}"
        parts.append(f" {local}={quoteattr(_clean(text))}")
    inside = escape(_clean(node.text)) + "".join(
        _write(child, node.namespace, prefixes) for child in node.children
    )
    parts.append(f">{inside}</{node.name}>" if inside else "/>")
    return "".join(parts)


def _clean(text: str) -> str:
    if _FORBIDDEN.search(text):
        raise ValueError("XML cannot hold this character")
    return text
