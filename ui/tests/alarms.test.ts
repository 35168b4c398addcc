import { describe, expect, it } from "vitest";
import type { Alarm, AlarmCounts } from "../src/api/alarms";
import { readAlarmMessages, type AlarmSocketEvents } from "../src/api/alarmSocket";
import { succeeded } from "../src/api/result";
import { AlarmDesk, type News } from "../src/widgets/alarms/alarmDesk";
import {
  answered,
  inOrder,
  matches,
  neighbour,
  newsOf,
  nextNew,
  OPEN,
  readFilter,
  taken,
} from "../src/widgets/alarms/alarmList";

const COUNTS: AlarmCounts = { new: 1, claimed: 0, parked: 0, rate_per_10_min: 1 };

function alarm(id: string, by: Partial<Alarm> = {}): Alarm {
  return {
    id,
    rule_id: "r",
    rule_name: "Rule",
    title: id,
    channel_id: "c",
    event_id: "e",
    kind: "zone.entered",
    object_class: "person",
    zone: "Door",
    priority: "normal",
    state: "new",
    owner: null,
    raised_us: 1000,
    last_us: 1000,
    count: 1,
    parked_until_us: null,
    close_reason: "",
    procedure: "",
    escalations: 0,
    has_picture: false,
    version: 1,
    ...by,
  };
}

function map(...alarms: Alarm[]) {
  return new Map(alarms.map((one) => [one.id, one]));
}

describe("the list of alarms", () => {
  it("takes newer versions only", () => {
    const known = map(alarm("a", { version: 3, state: "claimed" }));
    expect(taken(known, [alarm("a", { version: 2 })])).toBe(known);
    expect(taken(known, [alarm("a", { version: 4, state: "closed" })]).get("a")?.state).toBe("closed");
  });

  it("forgets what a whole answer lacks, but not what came after the question", () => {
    const known = map(alarm("old"), alarm("fresh", { last_us: 9_000 }));
    const after = answered(known, [alarm("there")], true, 5_000);
    expect([...after.keys()].sort()).toEqual(["fresh", "there"]);
    expect(answered(known, [], false, 5_000)).toBe(known);
  });

  it("orders newest first, then by priority", () => {
    const order = inOrder([
      alarm("a", { raised_us: 5 }),
      alarm("b", { raised_us: 7 }),
      alarm("c", { raised_us: 5, priority: "critical" }),
    ]);
    expect(order.map((one) => one.id)).toEqual(["b", "c", "a"]);
  });

  it("tells news: unknown alarms, raised ones, those whose park is over", () => {
    expect(newsOf(undefined, alarm("a"))).toBe("new");
    expect(newsOf(undefined, alarm("a", { state: "claimed" }))).toBeNull();
    expect(newsOf(alarm("a"), alarm("a", { version: 2, count: 2 }))).toBeNull();
    expect(newsOf(alarm("a"), alarm("a", { version: 2, escalations: 1 }))).toBe("raised");
    expect(newsOf(alarm("a", { state: "parked" }), alarm("a", { version: 2 }))).toBe("new");
    expect(newsOf(alarm("a", { version: 2 }), alarm("a", { version: 2 }))).toBeNull();
  });

  it("goes to the next new one, round to the top", () => {
    const shown = [alarm("a"), alarm("b", { state: "claimed" }), alarm("c")];
    expect(nextNew(shown, null)).toBe("a");
    expect(nextNew(shown, "a")).toBe("c");
    expect(nextNew(shown, "c")).toBe("a");
    expect(nextNew([alarm("b", { state: "claimed" })], "b")).toBeNull();
    expect(neighbour(shown, "a", 1)).toBe("b");
    expect(neighbour(shown, "c", 1)).toBe("c");
  });

  it("reads its filters from the address, and odd ones as none", () => {
    const id = "00000000-0000-0000-0000-00000000000a";
    expect(readFilter(new URLSearchParams())).toEqual({ states: OPEN, channelId: null, owner: "" });
    expect(readFilter(new URLSearchParams(`state=closed&camera=${id}&owner=me`))).toEqual({
      states: ["closed"],
      channelId: id,
      owner: "me",
    });
    expect(readFilter(new URLSearchParams("state=odd&camera=x&owner=y")).states).toBe(OPEN);
    expect(readFilter(new URLSearchParams("state=all")).states).toContain("closed");
  });

  it("filters by state, camera and owner", () => {
    const mine = alarm("a", { state: "claimed", owner: { id: "me", name: "M" } });
    const filter = { states: OPEN, channelId: null, owner: "me" } as const;
    expect(matches(mine, filter, "me")).toBe(true);
    expect(matches(alarm("b"), filter, "me")).toBe(false);
    expect(matches(alarm("b"), { ...filter, owner: "none" }, "me")).toBe(true);
    expect(matches(mine, { ...filter, owner: "", channelId: "x" }, "me")).toBe(false);
  });
});

describe("messages of the socket", () => {
  it("reads alarms and counts, and nothing from nonsense", () => {
    expect(readAlarmMessages(JSON.stringify({ counts: COUNTS }))).toEqual([
      { type: "counts", counts: COUNTS },
    ]);
    expect(readAlarmMessages(JSON.stringify({ alarm: alarm("a") }))[0]?.type).toBe("alarm");
    for (const text of ["", "{", "[]", "7", '{"alarm": {}}', '{"counts": null}', '{"future": {}}']) {
      expect(readAlarmMessages(text)).toEqual([]);
    }
  });
});

describe("the desk", () => {
  function desk(listed: readonly Alarm[]) {
    const sockets: AlarmSocketEvents[] = [];
    const news: News[] = [];
    const state = { listed, signedOut: 0, asked: 0 };
    const made = new AlarmDesk({
      openSocket: (events) => {
        sockets.push(events);
        return { close: () => undefined };
      },
      list: () => {
        state.asked += 1;
        return Promise.resolve(succeeded({ alarms: state.listed, next: null }));
      },
      counts: () => Promise.resolve(succeeded(COUNTS)),
      nowUs: () => 2_000,
      onNews: (one) => news.push(one),
      onSignedOut: () => {
        state.signedOut += 1;
      },
    });
    return { made, sockets, news, state };
  }

  it("is silent about what was there, and tells what comes", async () => {
    const { made, sockets, news } = desk([alarm("a")]);
    made.start();
    await made.refresh();
    expect(made.snapshot().isLoaded).toBe(true);
    expect(news).toEqual([]);
    sockets[0]?.onOpen();
    sockets[0]?.onMessage({ type: "alarm", alarm: alarm("b", { last_us: 3_000 }) });
    sockets[0]?.onMessage({ type: "alarm", alarm: alarm("b", { last_us: 3_000 }) });
    expect(news.map((one) => one.alarm.id)).toEqual(["b"]);
    expect(made.snapshot().newsCount).toBe(1);
    expect(made.snapshot().link).toBe("open");
    made.stop();
  });

  it("says since when it is broken, and repairs itself by the list", async () => {
    const { made, sockets, news, state } = desk([alarm("a")]);
    made.start();
    await made.refresh();
    sockets[0]?.onOpen();
    sockets[0]?.onClosed(1006);
    expect(made.snapshot().link).toBe("broken");
    expect(made.snapshot().brokenUs).toBe(2_000);
    state.listed = [alarm("a"), alarm("missed")];
    await made.refresh();
    expect(news.map((one) => one.alarm.id)).toEqual(["missed"]);
    made.stop();
  });

  it("hands a session that is over back", () => {
    const { made, sockets, state } = desk([]);
    made.start();
    sockets[0]?.onClosed(4401);
    expect(state.signedOut).toBe(1);
    made.stop();
  });
});
