"""Leaves, roots and the chain: what makes a recording prove itself (docs/design/recording.md, "Proof")."""

import hashlib
import struct
from collections.abc import Mapping, Sequence

from civiscope.base import RunId, StreamId
from civiscope.media import AccessUnit

HASH_BYTES = 32
NO_HEAD = bytes(HASH_BYTES)
_LEAF = struct.Struct(">QBqqqH")
_LEAF_DOMAIN = b"civiscope/leaf/1\0"
_TRACK_DOMAIN = b"civiscope/track/1\0"
_SEGMENT_DOMAIN = b"civiscope/segment/1\0"
_PART_DOMAIN = b"civiscope/part/1\0"
_PART_HEAD_DOMAIN = b"civiscope/part-head/1\0"
_SEGMENT_END_DOMAIN = b"civiscope/segment-end/1\0"


def digest(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def track_hash(line: bytes) -> bytes:
    """What a leaf says of its track's configuration: the hash of the track's JSON line."""
    return hashlib.sha256(_TRACK_DOMAIN + line).digest()


def leaf_prefix(stream_id: StreamId, run_id: RunId) -> bytes:
    """What all leaves of a run begin with."""
    return _LEAF_DOMAIN + stream_id.bytes + run_id.bytes


def leaf(prefix: bytes, unit: AccessUnit, track_digest: bytes) -> bytes:
    """The leaf of one access unit as received."""
    head = _LEAF.pack(unit.sequence, unit.track_id, unit.pts, unit.dts, unit.arrival_us, unit.flags)
    digest = hashlib.sha256(prefix + head + track_digest)
    digest.update(unit.data)
    return digest.digest()


def leaves(prefix: bytes, units: Sequence[AccessUnit], track_digests: Mapping[int, bytes]) -> list[bytes]:
    """The leaves of a part, in order of sequence."""
    return [leaf(prefix, unit, track_digests[unit.track_id]) for unit in units]


def merkle_root(level: list[bytes]) -> bytes:
    """Root over at least one leaf: the tree of RFC 6962 §2.1, whose leaves carry their own domain tag."""
    sha256 = hashlib.sha256
    while len(level) > 1:
        above = [
            sha256(b"\x01" + level[index] + level[index + 1]).digest()
            for index in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def first_head(header: bytes, tracks_digest: bytes, init_digest: bytes) -> bytes:
    """Where a segment's chain starts: its header (which names the segment before) and its configuration."""
    return hashlib.sha256(_SEGMENT_DOMAIN + header + tracks_digest + init_digest).digest()


def next_head(head: bytes, part_facts: bytes, root: bytes) -> bytes:
    """The chain after one more part; `part_facts` is the part's head without its proof."""
    return hashlib.sha256(_PART_DOMAIN + head + part_facts + root).digest()


def part_statement(head: bytes) -> bytes:
    """What the node signs for each part."""
    return _PART_HEAD_DOMAIN + head


def end_statement(head: bytes, part_count: int) -> bytes:
    """What the node signs when it ends a segment: nothing follows, nothing is missing at the end."""
    return _SEGMENT_END_DOMAIN + head + struct.pack(">I", part_count)
