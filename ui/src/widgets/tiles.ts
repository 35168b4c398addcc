/** Which camera stands in which tile, kept in the page's address. */

import { useCallback, useState } from "react";
import { note } from "../kit/address";

export const GRIDS = [1, 4, 9, 16] as const;
export type GridSize = (typeof GRIDS)[number];

export interface Tiles {
  readonly size: GridSize;
  readonly slots: readonly (string | null)[];
  readonly selected: number;
  readonly maximised: number | null;
}

/** Read `?grid=4&tiles=a,,b`; anything odd becomes an empty tile. */
export function readTiles(query: URLSearchParams, largest: GridSize): Tiles {
  const asked = Number(query.get("grid"));
  const size = GRIDS.find((one) => one === asked && one <= largest) ?? 4;
  const names = (query.get("tiles") ?? "").split(",");
  const slots = Array.from({ length: size }, (_, index) => {
    const name = names[index] ?? "";
    return /^[0-9a-f-]{36}$/i.test(name) ? name : null;
  });
  return { size, slots, selected: 0, maximised: null };
}

export function tilesQuery(tiles: Pick<Tiles, "size" | "slots">): { grid: string; tiles: string } {
  return { grid: String(tiles.size), tiles: tiles.slots.map((slot) => slot ?? "").join(",") };
}

/** Another number of tiles: cameras keep their order, those beyond the end leave. */
export function resize(tiles: Tiles, size: GridSize): Tiles {
  const kept = tiles.slots.filter((slot) => slot !== null);
  const slots =
    size >= tiles.size
      ? Array.from({ length: size }, (_, index) => tiles.slots[index] ?? null)
      : Array.from({ length: size }, (_, index) => kept[index] ?? null);
  return { size, slots, selected: Math.min(tiles.selected, size - 1), maximised: null };
}

/** Put a camera into a tile; if it stands elsewhere the two change places. */
export function put(tiles: Tiles, index: number, channelId: string): Tiles {
  const slots = [...tiles.slots];
  const before = slots.indexOf(channelId);
  if (before >= 0) slots[before] = slots[index] ?? null;
  slots[index] = channelId;
  return { ...tiles, slots, selected: index };
}

/** Put a camera into the selected tile, then select the next empty one. */
export function choose(tiles: Tiles, channelId: string): Tiles {
  const done = put(tiles, tiles.selected, channelId);
  const empty = done.slots.findIndex((slot, index) => slot === null && index > done.selected);
  return empty < 0 ? done : { ...done, selected: empty };
}

export function useTiles(largest: GridSize): readonly [Tiles, (change: (tiles: Tiles) => Tiles) => void] {
  const [tiles, setTiles] = useState(() => readTiles(new URLSearchParams(location.search), largest));
  const change = useCallback((by: (tiles: Tiles) => Tiles) => {
    setTiles((old) => {
      const next = by(old);
      note(tilesQuery(next));
      return next;
    });
  }, []);
  return [tiles, change];
}
