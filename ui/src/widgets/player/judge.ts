/** What a live tile may claim about its picture: pure rules, so that "frozen is never shown as live" is tested. */

import type { StreamState } from "../../api/liveMessages";

export type TileState =
  "idle" | "connecting" | "live" | "frozen" | "lost" | "denied" | "unsupported" | "paused";

/** A picture this long without a successor is no longer live. */
export const FROZEN_AFTER_MS = 2_000;
/** A moving picture older than this is not live either: it is late. */
export const LATE_AFTER_MS = 5_000;

export interface LiveEvidence {
  /** What the server last said; null before its first word. */
  readonly streamState: StreamState | null;
  readonly isSocketOpen: boolean;
  /** Since the newest picture reached the screen; null while there was none. */
  readonly sincePictureMs: number | null;
  /** Server's now less the arrival of the picture shown; null while unknown. */
  readonly ageMs: number | null;
  /** Usual distance of two pictures, for cameras slower than one a second. */
  readonly pictureIntervalMs: number;
}

/** Judge a tile whose look is granted and whose codec can be shown. */
export function judge(evidence: LiveEvidence): "connecting" | "live" | "frozen" | "lost" {
  if (evidence.streamState === "lost") return "lost";
  if (evidence.sincePictureMs === null) return "connecting";
  const patienceMs = Math.max(FROZEN_AFTER_MS, 2.5 * evidence.pictureIntervalMs);
  if (evidence.sincePictureMs > patienceMs) return "frozen";
  if (evidence.ageMs !== null && evidence.ageMs > Math.max(LATE_AFTER_MS, patienceMs)) return "frozen";
  if (!evidence.isSocketOpen || evidence.streamState !== "live") {
    return evidence.sincePictureMs > 500 ? "frozen" : "live";
  }
  return "live";
}

/** How to come nearer to the newest picture: play faster, jump, or just play. */
export type CatchUp = { readonly kind: "play"; readonly rate: number } | { readonly kind: "jump" };

export const COMFORT_LAG_S = 0.25;
export const JUMP_LAG_S = 2;

export function catchUp(lagS: number): CatchUp {
  if (lagS > JUMP_LAG_S) return { kind: "jump" };
  if (lagS > 0.6) return { kind: "play", rate: 1.1 };
  if (lagS > COMFORT_LAG_S) return { kind: "play", rate: 1.05 };
  return { kind: "play", rate: 1 };
}

/** Seconds to wait before the n-th try (n from 0): doubling from 0.25 to 8, with a little spread. */
export function backOffS(attempt: number, random: number): number {
  return Math.min(8, 0.25 * 2 ** Math.min(attempt, 10)) * (0.75 + 0.5 * random);
}

/** Pictures on their way to the screen: which UTC belongs to a media time. Times grow within a run. */
export class PictureTimes {
  private entries: { readonly mediaS: number; readonly atUs: number }[] = [];

  constructor(private readonly limit = 600) {}

  clear(): void {
    this.entries = [];
  }

  add(mediaS: number, atUs: number): void {
    this.entries.push({ mediaS, atUs });
    if (this.entries.length > this.limit) this.entries.splice(0, this.entries.length - this.limit);
  }

  /** UTC of the picture nearest to a media time; null when none is within 0.2 s. */
  at(mediaS: number): number | null {
    let best: { mediaS: number; atUs: number } | null = null;
    for (const entry of this.entries) {
      if (best === null || Math.abs(entry.mediaS - mediaS) < Math.abs(best.mediaS - mediaS)) best = entry;
    }
    return best !== null && Math.abs(best.mediaS - mediaS) < 0.2 ? best.atUs : null;
  }

  /** Mean distance of the newest pictures in ms; 0 while unknown. */
  intervalMs(): number {
    const newest = this.entries.slice(-20);
    const first = newest[0];
    const last = newest[newest.length - 1];
    if (first === undefined || last === undefined || newest.length < 2) return 0;
    return (Math.max(0, last.mediaS - first.mediaS) * 1000) / (newest.length - 1);
  }
}
