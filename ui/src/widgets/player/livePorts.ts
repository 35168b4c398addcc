/** What a live tile gives its player, and what it hears from it. */

import type { Problem, Result } from "../../api/result";
import type { Made } from "../../api/liveMessages";
import type { Look } from "../../api/types";
import type { TileState } from "./judge";

export interface LiveSurface {
  readonly video: HTMLVideoElement;
  readonly canvas: HTMLCanvasElement;
}

/** Shows live pictures of one camera from `start` to `stop`. */
export interface LiveViewer {
  start(): void;
  stop(): void;
  /** Ask again after a refusal. */
  retry(): void;
}

/** What a tile shows beside the picture. */
export interface LiveSnapshot {
  readonly state: TileState;
  readonly reason: string;
  readonly detail: string;
  readonly sinceUs: number | null;
  /** UTC of the picture on the screen. */
  readonly atUs: number | null;
  readonly ageMs: number | null;
  readonly problem: Problem | null;
  readonly mseType: string | null;
  readonly made: Made;
  /** How the pictures come here. */
  readonly way: "socket" | "webrtc";
  /** Units the server left out because this browser was too slow. */
  readonly droppedCount: number;
  /** The canvas stands before the video: a JPEG stream, or the last still. */
  readonly isCanvasShown: boolean;
}

export interface LivePlayerPorts {
  openLook(): Promise<Result<Look>>;
  closeLook(id: string): void;
  onSignedOut(): void;
  onChange(snapshot: LiveSnapshot): void;
}
