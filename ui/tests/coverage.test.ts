import { describe, expect, it } from "vitest";
import { correct, Coverage, HOLD_MOST_MS, nextMove, WallClock } from "../src/widgets/player/coverage";

const S = 1_000_000;

describe("coverage: what a playback tile knows", () => {
  it("asks for what it does not know and joins blocks that touch", () => {
    const known = new Coverage();
    expect(known.missing(10 * S, 20 * S)).toBe(10 * S);
    known.addLoaded(8 * S, 14 * S);
    expect(known.missing(10 * S, 20 * S)).toBe(14 * S);
    known.addLoaded(14 * S + 500, 21 * S);
    expect(known.missing(10 * S, 20 * S)).toBeNull();
  });
  it("steps over a gap the server told of", () => {
    const known = new Coverage();
    known.addLoaded(0, 10 * S);
    known.addEmpty(10 * S, 30 * S, 0);
    expect(known.at(15 * S)).toEqual({ kind: "empty", nextUs: 30 * S, checkedMs: 0 });
    expect(known.missing(5 * S, 40 * S)).toBe(30 * S);
  });
  it("stops at the end of all recording and asks again after a while", () => {
    const known = new Coverage();
    known.addLoaded(0, 10 * S);
    known.addEmpty(10 * S, null, 100);
    expect(known.missing(5 * S, 40 * S)).toBeNull();
    known.forgetOpenEmpties(101);
    expect(known.missing(5 * S, 40 * S)).toBe(10 * S);
  });
  it("takes recording written since for truer than an empty answer before", () => {
    const known = new Coverage();
    known.addEmpty(10 * S, null, 0);
    known.addLoaded(9 * S, 14 * S);
    expect(known.at(12 * S).kind).toBe("loaded");
  });
  it("forgets what was trimmed", () => {
    const known = new Coverage();
    known.addLoaded(0, 10 * S);
    known.trim(6 * S);
    expect(known.at(5 * S).kind).toBe("unknown");
    expect(known.at(7 * S).kind).toBe("loaded");
  });
});

describe("wall clock", () => {
  it("runs, holds, changes speed and seeks without a jump", () => {
    let nowMs = 0;
    const clock = new WallClock(100 * S, 1, () => nowMs);
    nowMs = 5_000;
    expect(clock.positionUs).toBe(100 * S);
    clock.run();
    nowMs = 7_000;
    expect(clock.positionUs).toBe(102 * S);
    clock.setSpeed(16);
    nowMs = 8_000;
    expect(clock.positionUs).toBe(118 * S);
    clock.hold();
    nowMs = 60_000;
    expect(clock.positionUs).toBe(118 * S);
    clock.seek(50 * S);
    expect(clock.positionUs).toBe(50 * S);
  });
});

describe("sync", () => {
  it("corrects small drift by rate, large drift by a seek", () => {
    expect(correct(1, 1)).toEqual({ kind: "seek" });
    const ahead = correct(0.1, 1);
    expect(ahead.kind === "rate" && ahead.rate < 1).toBe(true);
    const behind = correct(-0.1, 1);
    expect(behind.kind === "rate" && behind.rate > 1).toBe(true);
    expect(correct(-1, 16)).toEqual({ kind: "rate", rate: 16 });
  });
  it("holds for a loading tile, but not for ever", () => {
    const ready = { kind: "ready" } as const;
    expect(nextMove([ready, { kind: "loading", sinceMs: 0 }], 100)).toEqual({ kind: "hold" });
    expect(nextMove([ready, { kind: "loading", sinceMs: 0 }], HOLD_MOST_MS + 1)).toEqual({ kind: "run" });
  });
  it("does not stop for a camera without a recording", () => {
    expect(nextMove([{ kind: "ready" }, { kind: "empty", nextUs: 9 }, { kind: "idle" }], 0)).toEqual({
      kind: "run",
    });
  });
  it("jumps to the nearest recording when nobody has one here, and ends when nobody ever has", () => {
    const empty = (nextUs: number | null) => ({ kind: "empty", nextUs }) as const;
    expect(nextMove([empty(90), empty(40), empty(null)], 0)).toEqual({ kind: "jump", toUs: 40 });
    expect(nextMove([empty(null), { kind: "idle" }], 0)).toEqual({ kind: "end" });
  });
});
