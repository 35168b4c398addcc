"""Heads for second parties: what is signed, what is kept of others, and that a rewritten chain is caught."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind, ManualClock, NodeId, ProtocolError, new_id
from civiscope.security import AuditEntry, AuditLog, Delivery, HeadLedger, NodeHead, SiteKeys
from civiscope.security.nodehead import ChainHead, sign_node_head
from civiscope.storage import Database


async def head_of(audit: AuditLog, keys: SiteKeys) -> NodeHead:
    found = await audit.node_head("server", keys.identity.site_id, keys.identity.node_id)
    assert found is not None
    return found


async def fill(audit: AuditLog, names: str) -> None:
    for name in names:
        await audit.append(AuditEntry(name, "look.open", "channel 1", details={"n": name}))


async def test_a_head_reads_back_and_holds(audit: AuditLog, keys: SiteKeys, clock: ManualClock) -> None:
    assert await audit.node_head("server", keys.identity.site_id, keys.identity.node_id) is None
    await fill(audit, "abc")
    head = await head_of(audit, keys)
    assert NodeHead.from_json(head.to_json()) == head
    assert head.holds
    assert (head.at_us, head.chains[0].process, head.chains[0].head.sequence) == (clock.now_us(), "server", 3)
    for changed in (
        replace(head, at_us=head.at_us + 1),
        replace(head, node_id=NodeId(new_id())),
        replace(head, chains=()),
        replace(head, public_key=bytes(32)),
        replace(head, chains=(replace(head.chains[0], at_us=1),)),
    ):
        assert not changed.holds


@given(st.binary(max_size=300))
def test_garbage_is_a_protocol_error(garbage: bytes) -> None:
    with pytest.raises(ProtocolError):
        NodeHead.from_json(garbage)


async def test_odd_values_are_no_head(audit: AuditLog, keys: SiteKeys) -> None:
    await fill(audit, "a")
    whole = json.loads((await head_of(audit, keys)).to_json())
    chain = whole["chains"][0]
    odd: tuple[dict[str, object], ...] = (
        {"version": 2}, {"at_us": -1}, {"at_us": True}, {"key": "00"}, {"signature": "zz"}, {"chains": {}},
        {"chains": [chain] * 17}, {"chains": [{**chain, "process": "../x"}]}, {"chains": [{}]},
        {"site_id": 1},
    )  # fmt: skip
    for changed in odd:
        with pytest.raises(ProtocolError):
            NodeHead.from_json(json.dumps({**whole, **changed}).encode())
    with pytest.raises(ProtocolError, match="too many"):
        NodeHead.from_json(b" " * 17_000)


async def test_a_chain_rewritten_with_the_audit_key_is_caught_by_the_second_party(
    audit: AuditLog, keys: SiteKeys, tmp_path: Path, clock: ManualClock
) -> None:
    """An attacker with the audit key and every file of the server: the chain verifies, the copy does not."""
    await fill(audit, "abcdef")
    elsewhere = [await head_of(audit, keys)]
    honest = await audit.check_against("server", keys.identity.node_id, elsewhere)
    assert (honest.intact, honest.newest_sequence) == (True, 6)

    (tmp_path / "forged").mkdir()
    with Database(tmp_path / "forged" / "server.db") as database:
        from civiscope.security import migrate_security

        migrate_security(database)
        forged = AuditLog(database, keys.audit_keys(), tmp_path / "forged", clock)
        await fill(forged, "abXdefgh")
        assert (await forged.verify()).intact, "nothing on this machine gives it away"
        caught = await forged.check_against("server", keys.identity.node_id, elsewhere)
        assert not caught.intact
        assert "up to entry 6 was REWRITTEN" in caught.what


async def test_entries_cut_from_the_end_are_caught(
    audit: AuditLog, keys: SiteKeys, tmp_path: Path, database: Database, clock: ManualClock
) -> None:
    await fill(audit, "abcdef")
    elsewhere = [await head_of(audit, keys)]
    with sqlite3.connect(tmp_path / "server.db") as cut:
        cut.execute("DROP TRIGGER audit_entry_no_delete")
        cut.execute("DELETE FROM audit_detail WHERE sequence > 4")
        cut.execute("DELETE FROM audit_entry WHERE sequence > 4")
    cut.close()
    caught = await audit.check_against("server", keys.identity.node_id, elsewhere)
    assert (caught.intact, "entry 6 is missing" in caught.what) == (False, True)


async def test_what_proves_nothing_is_not_called_whole(audit: AuditLog, keys: SiteKeys) -> None:
    await fill(audit, "abc")
    head = await head_of(audit, keys)
    node = keys.identity.node_id
    assert "proves nothing" in (await audit.check_against("server", node, [])).what
    other = await audit.check_against("server", NodeId(new_id()), [head])
    assert (other.intact, other.compared) == (False, 0)
    changed = await audit.check_against("server", node, [replace(head, at_us=1)])
    assert "changed where it was kept" in changed.what


async def test_a_replaced_audit_key_is_told(
    audit: AuditLog, keys: SiteKeys, tmp_path: Path, clock: ManualClock
) -> None:
    await fill(audit, "abc")
    stranger = SiteKeys.create(tmp_path / "other" / "keys", "Elsewhere", clock=clock)
    (tmp_path / "theirs").mkdir()
    with Database(tmp_path / "theirs" / "server.db") as database:
        from civiscope.security import migrate_security

        migrate_security(database)
        theirs = AuditLog(database, stranger.audit_keys(), tmp_path / "theirs", clock)
        await fill(theirs, "abc")
        found = await theirs.check_against("server", keys.identity.node_id, [await head_of(audit, keys)])
    assert "another audit key" in found.what


async def test_heads_of_other_nodes_are_kept_and_held_to_their_word(
    audit: AuditLog, keys: SiteKeys, database: Database, clock: ManualClock
) -> None:
    ledger = HeadLedger(database, clock)
    await fill(audit, "abc")
    first = await head_of(audit, keys)
    await ledger.receive(first, "10.1.1.1")
    await fill(audit, "d")
    second = await head_of(audit, keys)
    await ledger.receive(second, "10.1.1.1")
    assert [one.head for one in await ledger.received()] == [second, first]
    with pytest.raises(AppError, match="shorter than") as shorter:
        await ledger.receive(first, "10.1.1.1")
    assert shorter.value.kind is ErrorKind.CONFLICT
    with pytest.raises(AppError, match="does not hold"):
        await ledger.receive(replace(second, at_us=7), "10.1.1.1")
    assert len(await ledger.received()) == 2


async def test_a_head_without_a_chain_does_not_make_room_for_a_shorter_one(
    audit: AuditLog, keys: SiteKeys, database: Database, clock: ManualClock
) -> None:
    """Two heads signed by the same key, the first without the chain, would else pass a cut chain."""
    ledger, key, node = HeadLedger(database, clock), Ed25519PrivateKey.generate(), keys.identity
    await fill(audit, "abc")
    (chain,) = (await head_of(audit, keys)).chains

    def signed(*chains: ChainHead) -> NodeHead:
        return sign_node_head(key, node.site_id, node.node_id, 7, chains)

    twice = replace(chain, head=replace(chain.head, sequence=1))
    await ledger.receive(signed(chain), "10.1.1.1")
    for head in (signed(), signed(replace(chain, process="recorder")), signed(chain, twice)):
        with pytest.raises(AppError) as caught:
            await ledger.receive(head, "10.1.1.1")
        assert caught.value.kind is ErrorKind.CONFLICT
    with pytest.raises(ProtocolError):
        NodeHead.from_json(signed(twice, chain).to_json())
    await ledger.receive(signed(chain, replace(chain, process="recorder")), "10.1.1.1")
    assert len(await ledger.received()) == 2


async def test_deliveries_are_kept_newest_first(database: Database, clock: ManualClock) -> None:
    ledger = HeadLedger(database, clock)
    for number in range(3):
        await ledger.note(Delivery(number, "file:/x", number == 2, "w" * 1000, 5))
    found = await ledger.deliveries(2)
    assert [(one.at_us, one.is_done, len(one.why)) for one in found] == [(2, True, 400), (1, False, 400)]
