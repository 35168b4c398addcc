import { describe, expect, it } from "vitest";
import type { PointN } from "../src/api/seeing";
import {
  areaN,
  crossesItself,
  faultOfShape,
  firstShape,
  inserted,
  moved,
  nearestEdge,
  nudged,
  readPoints,
  sidesOf,
  splitLongest,
  without,
} from "../src/widgets/zones/geometry";
import { begin, did, redone, undone } from "../src/widgets/zones/undo";

const SQUARE: readonly PointN[] = [
  [0.2, 0.2],
  [0.6, 0.2],
  [0.6, 0.6],
  [0.2, 0.6],
];
const BOW_TIE: readonly PointN[] = [
  [0.2, 0.2],
  [0.6, 0.6],
  [0.6, 0.2],
  [0.2, 0.6],
];
const HD = { width: 1920, height: 1080 };

describe("shapes", () => {
  it("measures the area by the shoelace, whichever way round", () => {
    expect(areaN(SQUARE)).toBeCloseTo(0.16);
    expect(areaN([...SQUARE].reverse())).toBeCloseTo(0.16);
  });

  it("finds edges that cross, and only those", () => {
    expect(crossesItself(BOW_TIE, "zone")).toBe(true);
    expect(crossesItself(SQUARE, "zone")).toBe(false);
    expect(crossesItself(BOW_TIE.slice(0, 3), "line")).toBe(false);
  });

  it("says what is wrong", () => {
    expect(faultOfShape(SQUARE.slice(0, 2), "zone")).toBe("tooFew");
    expect(faultOfShape(BOW_TIE, "zone")).toBe("crosses");
    expect(
      faultOfShape(
        [
          [0.1, 0.1],
          [0.101, 0.1],
          [0.101, 0.101],
        ],
        "zone",
      ),
    ).toBe("tooSmall");
    expect(
      faultOfShape(
        [
          [0.1, 0.1],
          [0.11, 0.1],
        ],
        "line",
      ),
    ).toBe("tooShort");
    expect(faultOfShape(SQUARE, "zone")).toBeNull();
    expect(faultOfShape(firstShape("zone"), "zone")).toBeNull();
    expect(faultOfShape(firstShape("line"), "line")).toBeNull();
  });

  it("keeps every point in the picture", () => {
    expect(nudged(SQUARE, 1, 0.9, -0.9)[1]).toEqual([1, 0]);
    const pushed = moved(SQUARE, 0.9, 0.9);
    expect(Math.max(...pushed.flat())).toBe(1);
    expect(areaN(pushed)).toBeCloseTo(0.16); // pushed to the edge it keeps its form
  });

  it("adds and takes out points, down to the least", () => {
    expect(inserted(SQUARE, 0, [0.4, 0.1])[1]).toEqual([0.4, 0.1]);
    expect(without(SQUARE, 0, "zone")).toHaveLength(3);
    expect(without(SQUARE.slice(0, 3), 0, "zone")).toBeNull();
    expect(without(SQUARE.slice(0, 2), 0, "line")).toBeNull();
  });

  it("splits the edge that is longest in pixels", () => {
    // 0.4 across are 768 px, 0.4 down are 432 px: the upper edge comes first.
    expect(splitLongest(SQUARE, "zone", HD)[1]).toEqual([0.4, 0.2]);
  });

  it("finds the edge next to a place", () => {
    expect(nearestEdge(SQUARE, "zone", [0.65, 0.4], HD)).toBe(1);
    expect(nearestEdge(SQUARE, "zone", [0.15, 0.4], HD)).toBe(3);
  });

  it("puts A on the left of who looks along the line, with y down", () => {
    const right = sidesOf(
      [
        [0.2, 0.5],
        [0.8, 0.5],
      ],
      HD,
      10,
    );
    expect(right?.a[1]).toBeLessThan(540);
    expect(right?.b[1]).toBeGreaterThan(540);
    const down = sidesOf(
      [
        [0.5, 0.2],
        [0.5, 0.8],
      ],
      HD,
      10,
    );
    expect(down?.a[0]).toBeGreaterThan(960);
    expect(down?.b[0]).toBeLessThan(960);
  });

  it("reads points of settings and leaves out what are none", () => {
    expect(readPoints([[0.1, 0.2], ["a", 1], 3, [2, -1]])).toEqual([
      [0.1, 0.2],
      [1, 0],
    ]);
    expect(readPoints(null)).toEqual([]);
  });
});

describe("undo", () => {
  it("goes back and forth, and forgets what was taken back when something new is done", () => {
    const past = did(did(begin(1), 2), 3);
    expect(undone(past).now).toBe(2);
    expect(redone(undone(past)).now).toBe(3);
    expect(did(undone(past), 9).after).toEqual([]);
    expect(undone(begin(1)).now).toBe(1);
  });

  it("takes steps of one name directly after each other for one", () => {
    const past = did(did(did(begin(1), 2, "drag 0"), 3, "drag 0"), 4, "drag 1");
    expect(undone(past).now).toBe(3);
    expect(undone(undone(past)).now).toBe(1);
  });
});
