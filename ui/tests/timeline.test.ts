import { describe, expect, it } from "vitest";
import { momentOf, momentText, preciseText, zoneOffsetUs } from "../src/kit/time";
import {
  DAY_US,
  followed,
  gapAt,
  HOUR_US,
  marks,
  monthShape,
  NARROWEST_US,
  peeked,
  SECOND_US,
  snapped,
  together,
  toPx,
  toUs,
  WIDEST_US,
  widthUs,
  zoomAround,
} from "../src/widgets/timelineModel";

const NOON_US = Date.UTC(2026, 10, 21, 12) * 1000;
const view = { startUs: NOON_US, endUs: NOON_US + HOUR_US };

describe("zoom", () => {
  it("keeps the moment under the pointer where it is", () => {
    const around = NOON_US + 0.3 * HOUR_US;
    const nearer = zoomAround(view, around, 0.25);
    expect(widthUs(nearer)).toBe(HOUR_US / 4);
    expect(toPx(nearer, 1000, around)).toBeCloseTo(toPx(view, 1000, around), 3);
  });
  it("goes from 30 days to one second and no further", () => {
    expect(widthUs(zoomAround(view, NOON_US, 1e9))).toBe(WIDEST_US);
    expect(widthUs(zoomAround(view, NOON_US, 1e-9))).toBe(NARROWEST_US);
  });
  it("maps pixels to time and back", () => {
    expect(toUs(view, 800, toPx(view, 800, NOON_US + 123 * SECOND_US))).toBe(NOON_US + 123 * SECOND_US);
  });
  it("turns the page when the position leaves", () => {
    expect(followed(view, NOON_US + 1)).toBe(view);
    const turned = followed(view, view.endUs);
    expect(turned.startUs).toBeLessThan(view.endUs);
    expect(turned.endUs).toBeGreaterThan(view.endUs);
  });
});

describe("marks", () => {
  it("stand at round local times, apart from each other", () => {
    for (const width of [SECOND_US, 60 * SECOND_US, HOUR_US, DAY_US, WIDEST_US]) {
      const found = marks({ startUs: NOON_US, endUs: NOON_US + width }, 1000, "Europe/Berlin");
      expect(found.length).toBeGreaterThan(1);
      expect(found.length).toBeLessThanOrEqual(12);
    }
    const days = marks({ startUs: NOON_US, endUs: NOON_US + 5 * DAY_US }, 600, "Europe/Berlin");
    expect(days.every((mark) => momentText(mark.atUs, "Europe/Berlin").endsWith("00:00:00"))).toBe(true);
  });
  it("stay at local midnight when the clocks change", () => {
    const start = Date.UTC(2026, 9, 23) * 1000;
    const found = marks({ startUs: start, endUs: start + 5 * DAY_US }, 600, "Europe/Berlin");
    expect(found.every((mark) => momentText(mark.atUs, "Europe/Berlin").endsWith("00:00:00"))).toBe(true);
  });
});

describe("time of a zone", () => {
  it("knows offsets and their change", () => {
    expect(zoneOffsetUs(NOON_US, "Europe/Berlin")).toBe(HOUR_US);
    expect(zoneOffsetUs(Date.UTC(2026, 6, 1) * 1000, "Europe/Berlin")).toBe(2 * HOUR_US);
  });
  it("finds the moment of a local day", () => {
    const dayUs = momentOf("Europe/Berlin", 2026, 10, 25);
    expect(momentText(dayUs, "Europe/Berlin")).toBe("2026-10-25 00:00:00");
    expect(momentOf("Europe/Berlin", 2026, 10, 26) - dayUs).toBe(25 * HOUR_US);
  });
  it("shows milliseconds", () => {
    expect(preciseText(NOON_US + 7_999, "UTC")).toBe("2026-11-21 12:00:00.007");
  });
  it("knows the shape of a month", () => {
    expect(monthShape(2026, 11)).toEqual({ days: 30, firstWeekday: 6 });
    expect(monthShape(2028, 2).days).toBe(29);
  });
});

describe("spans", () => {
  it("join over channels, and gaps are found by time, open ones too", () => {
    const channel = {
      id: "a",
      recorded: [{ start_us: 0, end_us: 10, lane: 0 }],
      gaps: [{ start_us: 10, end_us: null, reason: "unreachable", detail: "" }],
    };
    const other = { id: "b", recorded: [{ start_us: 5, end_us: 20, lane: 0 }], gaps: [] };
    expect(together([channel, other])).toEqual([{ start_us: 0, end_us: 20, lane: 0 }]);
    expect(gapAt(channel, 12, 15)?.reason).toBe("unreachable");
    expect(gapAt(channel, 16, 15)).toBeNull();
  });
});

it("peeking stays within the view and moments near each other share a picture", () => {
  const view = { startUs: 1_000_000, endUs: 41_000_000 };
  expect(peeked(view, 10_000_000, 1)).toBe(11_000_000);
  expect(peeked(view, 1_200_000, -1)).toBe(1_000_000);
  expect(peeked(view, 90_000_000, 1)).toBe(41_000_000);
  expect(snapped(view, 10_150_000)).toBe(10_000_000);
  expect(snapped(view, 10_399_999)).toBe(snapped(view, 10_200_000));
});
