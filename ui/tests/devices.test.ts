import { describe, expect, it } from "vitest";
import type { Device, Group } from "../src/api/devices";
import type { Channel } from "../src/api/types";
import { clockWords } from "../src/text/devices";
import { below, groupPath, matches, standingsOf, treeOf } from "../src/widgets/deviceModel";

const GROUPS: readonly Group[] = [
  { id: "city", name: "City", parent_id: null },
  { id: "old", name: "Old town", parent_id: "city" },
  { id: "port", name: "Port", parent_id: "gone" },
];

function channel(id: string, change: Partial<Channel> = {}): Channel {
  return {
    id,
    name: id,
    device_id: `d-${id}`,
    address: "rtsp://10.0.0.5/1",
    streams: [],
    state: "recording",
    since_us: null,
    reason: null,
    detail: null,
    last_unit_us: null,
    mse_type: null,
    ...change,
  };
}

function device(change: Partial<Device> = {}): Device {
  return {
    id: "d",
    driver: "onvif",
    address: "http://10.0.0.5",
    username: null,
    identity: { maker: "Acme", model: "Dome 4", firmware: "", serial: "S9", hardware: "" },
    abilities: [],
    channel_ids: [],
    drift: [],
    checked_us: null,
    clock_offset_ms: null,
    desired: null,
    added_us: null,
    trouble: null,
    ...change,
  };
}

describe("groups", () => {
  it("have paths, and end in a ring", () => {
    expect(groupPath(GROUPS, "old")).toBe("City / Old town");
    const ring = [
      { id: "a", name: "A", parent_id: "b" },
      { id: "b", name: "B", parent_id: "a" },
    ];
    expect(groupPath(ring, "a")).toBe("B / A");
    expect([...below(ring, "a")].sort()).toEqual(["a", "b"]);
  });

  it("cannot be moved below themselves", () => {
    expect([...below(GROUPS, "city")].sort()).toEqual(["city", "old"]);
  });
});

describe("the tree", () => {
  it("holds every channel once: in its group, or at the end", () => {
    const all = [channel("a", { group_id: "old" }), channel("b"), channel("c", { group_id: "vanished" })];
    const tree = treeOf(all, [], GROUPS);
    expect(tree.map((one) => one.group?.name ?? "")).toEqual(["City", "Port", ""]);
    expect(tree[0]?.channelIds).toEqual(["a"]);
    expect(tree[2]?.channelIds).toEqual(["b", "c"]);
  });

  it("puts the channels of one device together, by name", () => {
    const all = [channel("Lens 10", { device_id: "d" }), channel("Lens 9", { device_id: "d" })];
    const tree = treeOf(all, [device()], []);
    expect(tree[0]?.devices[0]?.channels.map((one) => one.name)).toEqual(["Lens 9", "Lens 10"]);
    expect(tree[0]?.devices[0]?.device?.id).toBe("d");
  });
});

describe("the search", () => {
  it("finds by every word, in name, place, group, maker and serial number", () => {
    const one = channel("Gate", { place: "Pier", group_id: "old" });
    expect(matches(one, device(), GROUPS, "acme s9")).toBe(true);
    expect(matches(one, device(), GROUPS, "pier old town")).toBe(true);
    expect(matches(one, device(), GROUPS, "acme bridge")).toBe(false);
  });
});

describe("how a camera stands", () => {
  it("tells its state, then what a person should look at", () => {
    const drift = [{ input: 0, setting: "sub.fps", wanted: "5", found: "25" }];
    const found = standingsOf(
      channel("a", { state: "lost" }),
      device({ drift, clock_offset_ms: -86_400_000 }),
    );
    expect(found).toEqual(["lost", "drift", "clock"]);
    expect(standingsOf(channel("a"), device({ clock_offset_ms: 1_500 }))).toEqual(["recording"]);
  });

  it("says a clock's difference in words", () => {
    expect([500, 90_000, -600_000, 90_000_000, -864_000_000].map(clockWords)).toEqual([
      "right",
      "90 s ahead",
      "10 min behind",
      "25 h ahead",
      "10 days behind",
    ]);
  });
});
