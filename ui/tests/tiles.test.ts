import { describe, expect, it } from "vitest";
import {
  choose,
  gridFor,
  put,
  readTiles,
  resize,
  standard,
  tilesQuery,
  type Tiles,
} from "../src/widgets/tiles";

const A = "00000000-0000-0000-0000-00000000000a";
const B = "00000000-0000-0000-0000-00000000000b";
const C = "00000000-0000-0000-0000-00000000000c";

function tiles(slots: (string | null)[], selected = 0): Tiles {
  return { size: 4, slots, selected, maximised: null };
}

describe("tiles", () => {
  it("selects the tile a camera already stands in", () => {
    const after = choose(tiles([A, B, null, null]), B);
    expect(after.slots).toEqual([A, B, null, null]);
    expect(after.selected).toBe(1);
  });

  it("puts a new camera into the selected tile and goes on to the next empty one", () => {
    const after = choose(tiles([A, null, null, null], 1), B);
    expect(after.slots).toEqual([A, B, null, null]);
    expect(after.selected).toBe(2);
  });

  it("changes places when a camera is dragged onto another", () => {
    expect(put(tiles([A, B, null, null]), 0, B).slots).toEqual([B, A, null, null]);
  });

  it("fills new tiles with cameras that are not shown yet", () => {
    const grown = resize({ ...tiles([C]), size: 1 }, 4, [A, B, C]);
    expect(grown.slots).toEqual([C, A, B, null]);
    expect(resize(grown, 1, [A, B, C]).slots).toEqual([C]);
  });

  it("shows all cameras by itself", () => {
    expect(standard([A, B], gridFor(2, 16))).toEqual({ size: 4, slots: [A, B, null, null] });
    expect([0, 1, 2, 5, 10, 99].map((count) => gridFor(count, 16))).toEqual([1, 1, 4, 9, 16, 16]);
    expect(gridFor(16, 9)).toBe(9);
  });

  it("reads back what it wrote, and nothing odd", () => {
    const arranged = tiles([A, null, B, null]);
    const query = new URLSearchParams(tilesQuery(arranged));
    expect(readTiles(query, 16)).toEqual({ size: 4, slots: [A, null, B, null] });
    expect(readTiles(new URLSearchParams("grid=7&tiles=x,,"), 16)?.slots).toEqual([null, null, null, null]);
    expect(readTiles(new URLSearchParams("grid=4"), 16)).toBeNull();
    expect(readTiles(new URLSearchParams("grid=16&tiles="), 9)?.size).toBe(4);
  });
});
