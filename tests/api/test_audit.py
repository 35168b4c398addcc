"""The audit over the door: searching, proof, taking it away, refusals folded, heads of other nodes."""

import csv
import hashlib
import io
import json

from tests.api.town import Town

from civiscope.base import ManualClock, NodeId, new_id
from civiscope.security import AuditEntry, Outcome, SiteKeys, sign_node_head
from civiscope.security.nodehead import ChainHead

EVIL = '=HYPERLINK("https://evil.example","click")'


async def refusals(town: Town) -> list[tuple[str, str, int]]:
    """Who, which call, how many: of the door's entries, oldest first."""
    found = []
    for one in reversed(await town.faces.audit.entries(1000)):
        if one.what == "door.refuse":
            details = await town.faces.audit.details(one.sequence)
            assert details is not None
            assert one.outcome is Outcome.REFUSED
            found.append((one.who, one.object, int(str(details["count"]))))
    return found


async def test_searching_and_one_entry_with_its_proof(town: Town) -> None:
    await town.faces.audit.append(AuditEntry("Boris", "camera.add", "channel 1", details={"name": "Pier"}))
    async with await town.client_as("dpo") as client:
        found = (await client.get("/api/v1/audit", params={"who": "boris", "what": "camera."})).json()
        assert (found["found"], found["intact"], len(found["entries"])) == (1, True, 1)
        (entry,) = found["entries"]
        assert entry["has_details"] is True
        assert (await client.get("/api/v1/audit", params={"outcome": "perhaps"})).status_code == 422
        assert (await client.get("/api/v1/audit", params={"limit": 501})).status_code == 422
        one = (await client.get(f"/api/v1/audit/{entry['sequence']}")).json()
        assert one["details"] == {"name": "Pier"}
        assert (len(one["link"]), len(one["signature"]), len(one["commitment"])) == (64, 148, 64)
        assert (await client.get("/api/v1/audit/999999")).status_code == 404


async def test_an_export_as_json_lines_proves_itself(town: Town) -> None:
    await town.faces.audit.append(AuditEntry("Boris", "camera.add", "channel 1", details={"n": 1}))
    async with await town.client_as("dpo") as client:
        answer = await client.get("/api/v1/audit/export", params={"format": "jsonl"})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert "attachment" in answer.headers["content-disposition"]
    head, *entries = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["sequence"] for one in entries] == list(range(1, len(entries) + 1))
    assert entries[-1]["what"] == "audit.export"
    assert head["node_head"]["chains"][0]["link"] == entries[-1]["link"]
    link, signature = b"", b""
    for one in entries:  # by docs/design/security.md alone, from the second entry on
        if link:
            fields = (
                link, signature, one["sequence"].to_bytes(8, "big"), one["at_us"].to_bytes(8, "big"),
                bytes.fromhex((one["principal_id"] or "").replace("-", "")), one["who"].encode(),
                one["what"].encode(), one["object"].encode(), one["why"].encode(), one["outcome"].encode(),
                one["from_where"].encode(), bytes.fromhex(one["commitment"]),
            )  # fmt: skip
            text = b"civiscope audit entry v1\0" + b"".join(len(f).to_bytes(4, "big") + f for f in fields)
            assert hashlib.sha256(text).hexdigest() == one["link"], one["sequence"]
        link, signature = bytes.fromhex(one["link"]), bytes.fromhex(one["signature"])


async def test_no_cell_of_a_table_is_a_formula(town: Town) -> None:
    for who in (EVIL, "+1", "-1", "@x", 'plain, with "quotes" and\nlines'):
        await town.faces.audit.append(AuditEntry(who, "look.live", EVIL, details={"=x": 1}))
    async with await town.client_as("administrator") as client:
        answer = await client.get("/api/v1/audit/export", params={"format": "csv", "what": "look."})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["who"][:2] for row in rows] == ["'=", "'+", "'-", "'@", "pl"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert json.loads(rows[0]["details"]) == {"=x": 1}
    assert rows[0]["at"].startswith("20")


async def test_a_long_export_is_streamed_whole(town: Town) -> None:
    for number in range(450):
        await town.faces.audit.append(AuditEntry("Boris", "look.live", f"channel {number}"))
    async with await town.client_as("administrator") as client:
        query = {"format": "jsonl", "who": "Boris"}
        answer = await client.get("/api/v1/audit/export", params=query)
    entries = [json.loads(line) for line in answer.text.splitlines()][1:]
    assert [one["object"] for one in entries] == [f"channel {number}" for number in range(450)]


async def test_refusals_are_one_entry_per_person_call_and_minute(town: Town) -> None:
    assert isinstance(town.clock, ManualClock)
    book = town.app._refusals
    async with await town.client_as("viewer") as client:
        for _ in range(7):
            assert (await client.get("/api/v1/audit")).status_code == 403
        assert (await client.get("/api/v1/status")).status_code == 403
        assert await refusals(town) == [("viewer", "GET /audit", 1), ("viewer", "GET /status", 1)]
        await book.write_due()
        assert len(await refusals(town)) == 2
        town.clock.advance(61_000_000)
        await book.write_due()
        assert (await refusals(town))[2:] == [("viewer", "GET /audit", 6)]
        await client.get("/api/v1/audit")
        assert len(await refusals(town)) == 3, "the minute after that entry is not over"
        town.clock.advance(61_000_000)
        await book.write_due()
        assert (await refusals(town))[3:] == [("viewer", "GET /audit", 1)]


async def test_strangers_are_one_entry_whatever_they_ask_for(town: Town) -> None:
    async with town.client() as client:
        for path in ("/audit", "/status", "/channels", "/audit", "/users"):
            assert (await client.get(f"/api/v1{path}")).status_code == 401
    assert await refusals(town) == [("somebody not signed in", "GET /audit", 1)]
    assert isinstance(town.clock, ManualClock)
    town.clock.advance(61_000_000)
    await town.app._refusals.write_due()
    who = "somebody not signed in"
    assert await refusals(town) == [(who, "GET /audit", 1), (who, "several calls", 4)]
    (entry,) = await town.faces.audit.entries(1)
    details = await town.faces.audit.details(entry.sequence)
    assert details is not None
    assert details["calls"] == ["GET /audit", "GET /channels", "GET /status", "GET /users"]


async def test_a_refused_look_is_entered_once_by_its_room(town: Town) -> None:
    async with await town.client_as("operator") as client:
        body = {"channel_id": str(new_id()), "purpose": "curiosity", "kind": "live", "presentation": "raw"}
        assert (await client.post("/api/v1/looks", json=body)).status_code == 403
    assert await refusals(town) == []


async def test_what_was_counted_is_written_at_the_stop(town: Town) -> None:
    import asyncio

    running = asyncio.create_task(town.app.run())
    async with await town.client_as("viewer") as client:
        for _ in range(3):
            await client.get("/api/v1/audit")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [count for _, _, count in await refusals(town)] == [1, 2]


async def test_heads_of_another_node_are_kept(town: Town, keys: SiteKeys) -> None:
    audit = town.faces.audit
    await audit.append(AuditEntry("x", "y"))
    own = await audit.node_head("server", keys.identity.site_id, keys.identity.node_id)
    assert own is not None
    newest = await audit.head()
    assert newest is not None
    chains = (ChainHead("server", 1, newest),)
    signing = keys.audit_keys().signing
    foreign = sign_node_head(signing, keys.identity.site_id, NodeId(new_id()), 5, chains)
    async with await town.client_as("dpo") as client:
        path = "/api/v1/audit/heads/received"
        assert (await client.post(path, content=foreign.to_json())).status_code == 204
        assert (await client.post(path, content=own.to_json())).status_code == 422
        forged = foreign.to_json().replace(b'"at_us":5', b'"at_us":6')
        assert (await client.post(path, content=forged)).status_code == 422
        assert (await client.post(path, content=b"{")).status_code == 422
        heads = (await client.get("/api/v1/audit/heads")).json()
        assert [one["head"]["node_id"] for one in heads["received"]] == [str(foreign.node_id)]
        assert heads["node_head"]["node_id"] == str(keys.identity.node_id)
        assert heads["chains"][0]["process"] == "server"
        assert (heads["sent"], heads["targets"]) == ([], [])
    async with await town.client_as("administrator") as client:
        refused = await client.post("/api/v1/audit/heads/send")
        assert (refused.status_code, "no second party" in refused.text) == (409, True)


async def test_another_node_leaves_its_head_with_a_token(town: Town, keys: SiteKeys) -> None:
    await town.faces.audit.append(AuditEntry("x", "y"))
    newest = await town.faces.audit.head()
    assert newest is not None
    chains = (ChainHead("server", 1, newest),)
    signing = keys.audit_keys().signing
    head = sign_node_head(signing, keys.identity.site_id, NodeId(new_id()), 5, chains)
    async with await town.client_as("administrator") as client:
        expires_us = town.clock.now_us() + 3_600_000_000
        body = {"name": "the other node", "permissions": ["audit.read"], "expires_us": expires_us}
        made = await client.post("/api/v1/tokens", json=body)
        assert made.status_code == 201, made.text
    async with town.client() as node:
        del node.headers["Origin"]
        node.headers["Authorization"] = f"Bearer {made.json()['token']}"
        kept = await node.post("/api/v1/audit/heads/received", content=head.to_json())
        assert kept.status_code == 204, kept.text
        word = {"passphrase": "nine blue herons stand"}
        assert (await node.post("/api/v1/vault/unlock", json=word)).status_code == 403
    assert [one.head for one in await town.faces.heads.received()] == [head]
