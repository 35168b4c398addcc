import { describe, expect, it } from "vitest";
import { backOffS, catchUp, judge, PictureTimes, type LiveEvidence } from "../src/widgets/player/judge";

const GOOD: LiveEvidence = {
  streamState: "live",
  isSocketOpen: true,
  sincePictureMs: 60,
  ageMs: 200,
  pictureIntervalMs: 66,
};

describe("judge: what a tile may claim", () => {
  it("is live only with a fresh picture, a socket and the server's word", () => {
    expect(judge(GOOD)).toBe("live");
  });
  it("never calls a picture live that had no successor for over 2 s", () => {
    expect(judge({ ...GOOD, sincePictureMs: 2_001 })).toBe("frozen");
  });
  it("never calls an old picture live, however fast pictures come", () => {
    expect(judge({ ...GOOD, ageMs: 6_000 })).toBe("frozen");
  });
  it("is lost as soon as the server says so, even while pictures are still in the buffer", () => {
    expect(judge({ ...GOOD, streamState: "lost" })).toBe("lost");
  });
  it("freezes when the socket is gone", () => {
    expect(judge({ ...GOOD, isSocketOpen: false, sincePictureMs: 600 })).toBe("frozen");
  });
  it("waits longer for cameras slower than one picture a second", () => {
    expect(judge({ ...GOOD, sincePictureMs: 3_000, pictureIntervalMs: 2_000 })).toBe("live");
  });
  it("is connecting before the first picture", () => {
    expect(judge({ ...GOOD, sincePictureMs: null, ageMs: null })).toBe("connecting");
  });
});

describe("catch-up", () => {
  it("plays faster over 0.25 s and jumps over 2 s", () => {
    expect(catchUp(0.2)).toEqual({ kind: "play", rate: 1 });
    expect(catchUp(0.3)).toEqual({ kind: "play", rate: 1.05 });
    expect(catchUp(1)).toEqual({ kind: "play", rate: 1.1 });
    expect(catchUp(2.1)).toEqual({ kind: "jump" });
  });
  it("backs off from a quarter of a second to eight, with a spread", () => {
    expect(backOffS(0, 0.5)).toBeCloseTo(0.25);
    expect(backOffS(20, 0.5)).toBeCloseTo(8);
    expect(backOffS(20, 1)).toBeLessThanOrEqual(10);
  });
});

describe("picture times", () => {
  it("finds the UTC of the nearest picture and nothing far away", () => {
    const times = new PictureTimes();
    for (let n = 0; n < 30; n += 1) times.add(n / 15, 1_000_000 + n * 66_667);
    expect(times.at(10 / 15 + 0.001)).toBe(1_000_000 + 10 * 66_667);
    expect(times.at(9)).toBeNull();
    expect(times.intervalMs()).toBeCloseTo(66.7, 0);
  });
  it("forgets the oldest beyond its limit", () => {
    const times = new PictureTimes(3);
    for (let n = 0; n < 10; n += 1) times.add(n, n);
    expect(times.at(0)).toBeNull();
    expect(times.at(9)).toBe(9);
  });
});
