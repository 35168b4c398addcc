/** What a playback tile gives its player, and what it hears from it. */

import type { MediaBlock } from "../../api/client";
import type { Problem, Result } from "../../api/result";
import type { Look } from "../../api/types";

export type PlaybackState = "loading" | "playing" | "no-recording" | "denied" | "unsupported" | "error";

export interface PlaybackSnapshot {
  readonly state: PlaybackState;
  /** UTC of the picture on the screen. */
  readonly wallUs: number | null;
  /** Where this channel's recording goes on, when it has none here. */
  readonly nextUs: number | null;
  readonly problem: Problem | null;
  readonly mseType: string | null;
  /** From the last seek to its picture. */
  readonly seekMs: number | null;
  readonly isCanvasShown: boolean;
}

export interface PlaybackPorts {
  openLook(fromUs: number, toUs: number): Promise<Result<Look>>;
  closeLook(id: string): void;
  media(lookId: string, atUs: number, durationUs: number, signal: AbortSignal): Promise<Result<MediaBlock>>;
  onChange(snapshot: PlaybackSnapshot): void;
}
