/**
 * What a playback tile knows about time: which spans it has loaded, and where the server said there is
 * nothing. Pure; all times wall-clock microseconds UTC.
 */

export interface Loaded {
  readonly startUs: number;
  readonly endUs: number;
}

export interface Empty {
  readonly fromUs: number;
  /** Where recording goes on; null when the server knows of nothing later (yet). */
  readonly nextUs: number | null;
  readonly checkedMs: number;
}

export type Knowledge =
  | { readonly kind: "loaded"; readonly endUs: number }
  | { readonly kind: "empty"; readonly nextUs: number | null; readonly checkedMs: number }
  | { readonly kind: "unknown" };

/** Two blocks this near are one: less than a picture lies between. */
const TOUCH_US = 2_000;

export class Coverage {
  private loaded: Loaded[] = [];
  private empties: Empty[] = [];

  clear(): void {
    this.loaded = [];
    this.empties = [];
  }

  addLoaded(startUs: number, endUs: number): void {
    if (endUs <= startUs) return;
    let merged: Loaded = { startUs, endUs };
    const apart: Loaded[] = [];
    for (const span of this.loaded) {
      const touches = span.startUs <= merged.endUs + TOUCH_US && merged.startUs <= span.endUs + TOUCH_US;
      if (touches) {
        merged = {
          startUs: Math.min(span.startUs, merged.startUs),
          endUs: Math.max(span.endUs, merged.endUs),
        };
      } else {
        apart.push(span);
      }
    }
    this.loaded = [...apart, merged].sort((a, b) => a.startUs - b.startUs);
    this.empties = this.empties.filter((empty) => empty.fromUs < startUs - TOUCH_US || empty.fromUs >= endUs);
  }

  addEmpty(fromUs: number, nextUs: number | null, checkedMs: number): void {
    this.empties = this.empties.filter((empty) => Math.abs(empty.fromUs - fromUs) > TOUCH_US);
    this.empties.push({ fromUs, nextUs, checkedMs });
    if (this.empties.length > 50) this.empties.shift();
  }

  /** Forget that something was empty because it may have been written since. */
  forgetOpenEmpties(beforeMs: number): void {
    this.empties = this.empties.filter((empty) => empty.nextUs !== null || empty.checkedMs >= beforeMs);
  }

  /** Forget what lies before a time (it has been taken out of the buffer). */
  trim(beforeUs: number): void {
    this.loaded = this.loaded
      .map((span) => ({ startUs: Math.max(span.startUs, beforeUs), endUs: span.endUs }))
      .filter((span) => span.endUs > span.startUs);
  }

  at(wallUs: number): Knowledge {
    const span = this.loaded.find((one) => one.startUs <= wallUs && wallUs < one.endUs - TOUCH_US / 2);
    if (span !== undefined) return { kind: "loaded", endUs: span.endUs };
    const empty = this.empties.find(
      (one) => one.fromUs - TOUCH_US <= wallUs && (one.nextUs === null || wallUs < one.nextUs - TOUCH_US / 2),
    );
    if (empty === undefined) return { kind: "unknown" };
    const laterStart = this.loaded.find((one) => one.startUs > wallUs)?.startUs ?? null;
    if (laterStart !== null && empty.nextUs === null) return { kind: "unknown" };
    return { kind: "empty", nextUs: empty.nextUs, checkedMs: empty.checkedMs };
  }

  /** The first time from `fromUs` up to `untilUs` that must be asked for; null when all is known. */
  missing(fromUs: number, untilUs: number): number | null {
    let cursor = fromUs;
    for (let guard = 0; guard < 200 && cursor < untilUs; guard += 1) {
      const known = this.at(cursor);
      if (known.kind === "unknown") return cursor;
      if (known.kind === "empty") {
        if (known.nextUs === null) return null;
        cursor = known.nextUs;
      } else {
        cursor = known.endUs;
      }
    }
    return null;
  }
}

/** Master clock of a group of tiles: wall time that runs, stands, or is held while pictures load. */
export class WallClock {
  private anchorUs: number;
  private anchorMs: number;
  private running = false;

  constructor(
    positionUs: number,
    private speedFactor: number,
    private readonly monotonicMs: () => number,
  ) {
    this.anchorUs = positionUs;
    this.anchorMs = monotonicMs();
  }

  get positionUs(): number {
    if (!this.running) return this.anchorUs;
    return Math.round(this.anchorUs + (this.monotonicMs() - this.anchorMs) * 1000 * this.speedFactor);
  }

  get speed(): number {
    return this.speedFactor;
  }

  get isRunning(): boolean {
    return this.running;
  }

  private anchor(positionUs: number): void {
    this.anchorUs = positionUs;
    this.anchorMs = this.monotonicMs();
  }

  seek(positionUs: number): void {
    this.anchor(Math.round(positionUs));
  }

  setSpeed(speed: number): void {
    this.anchor(this.positionUs);
    this.speedFactor = speed;
  }

  run(): void {
    if (this.running) return;
    this.anchor(this.anchorUs);
    this.running = true;
  }

  hold(): void {
    if (!this.running) return;
    this.anchor(this.positionUs);
    this.running = false;
  }
}

/** How a tile follows the master clock: a correction of the rate, or a seek when it is too far off. */
export type Correction = { readonly kind: "rate"; readonly rate: number } | { readonly kind: "seek" };

export function correct(driftS: number, speed: number): Correction {
  if (Math.abs(driftS) > Math.max(0.3, 0.2 * speed)) return { kind: "seek" };
  const rate = speed * (1 - Math.max(-0.2, Math.min(0.2, driftS / Math.max(1, speed))));
  return { kind: "rate", rate: Math.max(0.0625, Math.min(16, rate)) };
}

/** What the group does next, from what its tiles can show at the position. */
export type TileReadiness =
  | { readonly kind: "ready" }
  | { readonly kind: "loading"; readonly sinceMs: number }
  | { readonly kind: "empty"; readonly nextUs: number | null }
  | { readonly kind: "idle" };

export type GroupMove =
  | { readonly kind: "run" }
  | { readonly kind: "hold" }
  | { readonly kind: "jump"; readonly toUs: number }
  | { readonly kind: "end" };

/** A slow tile holds the others back no longer than this. */
export const HOLD_MOST_MS = 2_500;

export function nextMove(tiles: readonly TileReadiness[], nowMs: number): GroupMove {
  if (tiles.some((tile) => tile.kind === "loading" && nowMs - tile.sinceMs < HOLD_MOST_MS)) {
    return { kind: "hold" };
  }
  if (tiles.some((tile) => tile.kind === "ready")) return { kind: "run" };
  if (tiles.some((tile) => tile.kind === "loading")) return { kind: "hold" };
  const nexts = tiles.flatMap((tile) => (tile.kind === "empty" && tile.nextUs !== null ? [tile.nextUs] : []));
  if (nexts.length > 0) return { kind: "jump", toUs: Math.min(...nexts) };
  return { kind: "end" };
}
