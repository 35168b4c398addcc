import { describe, expect, it } from "vitest";
import { succeeded } from "../src/api/result";
import type { EventQuery, SeenEvent } from "../src/api/seeing";
import { eventAt, shapeOfKind, unseenAt } from "../src/widgets/events/eventMarks";
import { nextEvent, previousEvent } from "../src/widgets/events/findEvent";

const S = 1_000_000;

function event(atS: number, by: Partial<SeenEvent> = {}): SeenEvent {
  return {
    id: `e${atS}`,
    channel_id: "c",
    source: "analytic",
    plugin: "zone",
    kind: "zone.entered",
    began_us: atS * S,
    ended_us: null,
    lasts: false,
    object_class: "person",
    track_id: 1,
    box_n: null,
    place_n: null,
    zone: "Door",
    direction: "",
    score: 0.9,
    values: {},
    detector: "builtin",
    has_picture: false,
    ...by,
  };
}

/** The server's store, as far as these questions go: newest first, cut at the limit. */
function store(all: readonly SeenEvent[]) {
  const within = (query: { fromUs?: number; toUs?: number }) =>
    all
      .filter((one) => one.began_us >= (query.fromUs ?? 0) && one.began_us < (query.toUs ?? Infinity))
      .sort((a, b) => b.began_us - a.began_us);
  return {
    events: (query: EventQuery) => {
      const found = within(query);
      const limit = query.limit ?? 100;
      return Promise.resolve(
        succeeded({ events: found.slice(0, limit), next: found.length > limit ? "more" : null }),
      );
    },
    histogram: (_: readonly string[], fromUs: number, toUs: number, bucketUs: number) => {
      const counts = new Map<number, number>();
      for (const one of within({ fromUs, toUs })) {
        const start = Math.floor(one.began_us / bucketUs) * bucketUs;
        counts.set(start, (counts.get(start) ?? 0) + 1);
      }
      return Promise.resolve(succeeded({ channels: [{ id: "c", counts: [...counts] }] }));
    },
  };
}

async function next(all: readonly SeenEvent[], atS: number, nowS: number): Promise<string> {
  const found = await nextEvent(store(all), "c", atS * S, nowS * S);
  return found.kind === "found" ? found.event.id : found.kind;
}

describe("the next event", () => {
  it("is the nearest later one, however far away", async () => {
    const all = [event(10), event(20), event(500_000)];
    expect(await next(all, 0, 600_000)).toBe("e10");
    expect(await next(all, 10, 600_000)).toBe("e20");
    expect(await next(all, 20, 600_000)).toBe("e500000");
    expect(await next(all, 500_000, 600_000)).toBe("none");
  });

  it("is found among more than one page holds", async () => {
    const all = Array.from({ length: 3_000 }, (_, n) => event(1_000 + n));
    expect(await next(all, 1_500, 90_000)).toBe("e1501");
  });

  it("before a moment is the newest earlier one", async () => {
    const api = store([event(10), event(20)]);
    const before = await previousEvent(api, "c", 20 * S);
    expect(before.kind === "found" && before.event.id).toBe("e10");
    expect((await previousEvent(api, "c", 10 * S)).kind).toBe("none");
  });
});

describe("marks", () => {
  const view = { startUs: 0, endUs: 100 * S };

  it("are met near their place, lasting ones over their length", () => {
    const all = [event(10), event(50, { lasts: true, ended_us: 70 * S })];
    expect(eventAt(all, view, 1000, 103)?.id).toBe("e10");
    expect(eventAt(all, view, 1000, 650)?.id).toBe("e50");
    expect(eventAt(all, view, 1000, 300)).toBeNull();
  });

  it("have a shape by kind", () => {
    expect(["zone.left", "line.crossed", "device.motion", "x"].map(shapeOfKind)).toEqual([
      "square",
      "arrow",
      "diamond",
      "circle",
    ]);
  });

  it("tell the span that nobody looked at", () => {
    const spans = [
      { start_us: 0, end_us: 10, reason: "analysed", detail: "" },
      { start_us: 10, end_us: null, reason: "shed", detail: "" },
    ];
    expect(unseenAt(spans, 5, 100)).toBeNull();
    expect(unseenAt(spans, 50, 100)?.reason).toBe("shed");
    expect(unseenAt(spans, 150, 100)).toBeNull();
  });
});
