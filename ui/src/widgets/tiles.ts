/** Which camera stands in which tile: as in the page's address, as left in this window, or all by themselves. */

import { useState } from "react";
import { note } from "../kit/address";

export const GRIDS = [1, 4, 9, 16] as const;
export type GridSize = (typeof GRIDS)[number];

export interface Arrangement {
  readonly size: GridSize;
  readonly slots: readonly (string | null)[];
}

export interface Tiles extends Arrangement {
  readonly selected: number;
  readonly maximised: number | null;
}

/** Read `?grid=4&tiles=a,,b`; anything odd becomes an empty tile. Null where no tiles are named. */
export function readTiles(query: URLSearchParams, largest: GridSize): Arrangement | null {
  if (!query.has("tiles")) return null;
  const asked = Number(query.get("grid"));
  const size = GRIDS.find((one) => one === asked && one <= largest) ?? 4;
  const names = (query.get("tiles") ?? "").split(",");
  const slots = Array.from({ length: size }, (_, index) => {
    const name = names[index] ?? "";
    return /^[0-9a-f-]{36}$/i.test(name) ? name : null;
  });
  return { size, slots };
}

export function tilesQuery(tiles: Arrangement): { grid: string; tiles: string } {
  return { grid: String(tiles.size), tiles: tiles.slots.map((slot) => slot ?? "").join(",") };
}

export function gridFor(count: number, largest: GridSize): GridSize {
  return GRIDS.find((one) => one >= count && one <= largest) ?? largest;
}

/** All cameras in their order, as many as there is room for. */
export function standard(ids: readonly string[], size: GridSize): Arrangement {
  return { size, slots: Array.from({ length: size }, (_, index) => ids[index] ?? null) };
}

/** Another number of tiles: fewer keep the first cameras, more are filled with cameras not yet shown. */
export function resize(tiles: Tiles, size: GridSize, ids: readonly string[]): Tiles {
  const kept = tiles.slots.filter((slot) => slot !== null);
  const more = ids.filter((id) => !kept.includes(id));
  const slots =
    size >= tiles.size
      ? Array.from({ length: size }, (_, index) => tiles.slots[index] ?? more.shift() ?? null)
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

/** Select the tile a camera stands in; else put it into the selected tile and select the next empty one. */
export function choose(tiles: Tiles, channelId: string): Tiles {
  const there = tiles.slots.indexOf(channelId);
  if (there >= 0) {
    return { ...tiles, selected: there, maximised: tiles.maximised === null ? null : there };
  }
  const done = put(tiles, tiles.selected, channelId);
  const empty = done.slots.findIndex((slot, index) => slot === null && index > done.selected);
  return empty < 0 || done.maximised !== null ? done : { ...done, selected: empty };
}

function keptGrid(page: string, largest: GridSize): GridSize | null {
  const kept = Number(localStorage.getItem(`civiscope.grid.${page}`));
  return GRIDS.find((one) => one === kept && one <= largest) ?? null;
}

function firstArrangement(page: string, largest: GridSize): Arrangement | null {
  const asked = readTiles(new URLSearchParams(location.search), largest);
  if (asked !== null) return asked;
  return readTiles(new URLSearchParams(sessionStorage.getItem(`civiscope.tiles.${page}`) ?? ""), largest);
}

export interface TilesDesk {
  readonly tiles: Tiles;
  readonly change: (by: (tiles: Tiles) => Tiles) => void;
  /** A person chose a number of tiles: kept for this browser. */
  readonly pick: (size: GridSize) => void;
  /** Back to all cameras by themselves. */
  readonly reset: () => void;
}

/** Until a person arranges them, the tiles show all cameras, new ones too as they come. */
export function useTiles(page: string, largest: GridSize, most: GridSize, ids: readonly string[]): TilesDesk {
  const [arranged, setArranged] = useState(() => firstArrangement(page, largest));
  const [look, setLook] = useState<Pick<Tiles, "selected" | "maximised">>({ selected: 0, maximised: null });
  const shown =
    arranged ?? standard(ids, keptGrid(page, largest) ?? gridFor(Math.min(ids.length, most), largest));
  const tiles: Tiles = { ...shown, ...look, selected: Math.min(look.selected, shown.size - 1) };
  const change = (by: (tiles: Tiles) => Tiles) => {
    const next = by(tiles);
    setLook({ selected: next.selected, maximised: next.maximised });
    const query = tilesQuery(next);
    if (query.tiles === tilesQuery(tiles).tiles) return;
    setArranged({ size: next.size, slots: next.slots });
    note(query);
    sessionStorage.setItem(`civiscope.tiles.${page}`, new URLSearchParams(query).toString());
  };
  const pick = (size: GridSize) => {
    localStorage.setItem(`civiscope.grid.${page}`, String(size));
    if (arranged !== null) change((old) => resize(old, size, ids));
    else setLook({ selected: 0, maximised: null });
  };
  const reset = () => {
    localStorage.removeItem(`civiscope.grid.${page}`);
    sessionStorage.removeItem(`civiscope.tiles.${page}`);
    note({ grid: null, tiles: null });
    setArranged(null);
    setLook({ selected: 0, maximised: null });
  };
  return { tiles, change, pick, reset };
}
