/** What a tile says when it has no living picture. */

import type { Channel } from "../api/types";
import { momentText } from "../kit/time";
import { en, reasonWords } from "../text/en";
import { problemWords } from "./ProblemBox";
import type { LiveSnapshot } from "./player/livePorts";

export interface TileWords {
  readonly title: string;
  readonly lines: readonly string[];
}

export function unsupportedWords(mseType: string | null, codec: string | null): string {
  const isH265 = codec === "h265" || /hvc1|hev1/.test(mseType ?? "");
  return isH265 ? en.live.unsupportedH265 : en.live.unsupported(codec ?? mseType ?? "this video");
}

function sinceWords(atUs: number | null, zone: string): string {
  return atUs === null ? en.live.noPictureYet : en.live.noPictureSince(momentText(atUs, zone));
}

/** Null while the picture is live and needs no words. */
export function liveWords(snapshot: LiveSnapshot, channel: Channel | null, zone: string): TileWords | null {
  const since = sinceWords(snapshot.atUs ?? snapshot.sinceUs, zone);
  const why = reasonWords(snapshot.reason, snapshot.detail);
  switch (snapshot.state) {
    case "live":
    case "idle":
      return null;
    case "connecting":
      return { title: en.live.connecting, lines: why === "" ? [] : [why] };
    case "frozen":
      return { title: since, lines: [why === "" ? en.live.stalled : why, en.live.reconnecting] };
    case "lost":
      return { title: since, lines: [why, en.live.reconnecting].filter((line) => line !== "") };
    case "denied":
      return {
        title: en.problem.deniedTitle,
        lines: snapshot.problem === null ? [] : [problemWords(snapshot.problem)],
      };
    case "unsupported":
      return {
        title: en.live.states.unsupported,
        lines: [unsupportedWords(snapshot.mseType, channel?.streams[0]?.codec ?? null)],
      };
    case "paused":
      return { title: en.live.paused, lines: [] };
  }
}
