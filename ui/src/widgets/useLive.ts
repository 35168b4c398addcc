/** A live picture on a video and a canvas of one's own; the age goes straight to the page. */

import { useEffect, useRef, useState, type RefObject } from "react";
import { client } from "../api/client";
import { ageText } from "../kit/time";
import { LivePlayer } from "./player/livePlayer";
import type { LiveSnapshot } from "./player/livePorts";
import { useSite } from "./site";

const START: LiveSnapshot = {
  state: "connecting",
  reason: "",
  detail: "",
  sinceUs: null,
  atUs: null,
  ageMs: null,
  problem: null,
  mseType: null,
  droppedCount: 0,
  isCanvasShown: false,
};

/** What React must draw anew; age and time of the picture go straight to the page, four times a second. */
function drawKey(snapshot: LiveSnapshot): string {
  const { state, reason, detail, isCanvasShown, droppedCount, mseType, sinceUs } = snapshot;
  const frozenAt = state === "live" ? "" : snapshot.atUs;
  return [state, reason, detail, isCanvasShown, droppedCount, mseType, sinceUs, frozenAt].join("|");
}

export interface LiveParts {
  readonly frame: RefObject<HTMLDivElement | null>;
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly canvas: RefObject<HTMLCanvasElement | null>;
  readonly age: RefObject<HTMLSpanElement | null>;
  readonly snapshot: LiveSnapshot;
  readonly retry: () => void;
}

/** Looks while the component is there. Make the component anew (by `key`) for another channel or purpose. */
export function useLive(channelId: string, purpose: string): LiveParts {
  const { onSignedOut } = useSite();
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const age = useRef<HTMLSpanElement>(null);
  const player = useRef<LivePlayer | null>(null);
  const [snapshot, setSnapshot] = useState(START);

  useEffect(() => {
    if (video.current === null || canvas.current === null) return undefined;
    let drawn = "";
    const change = (next: LiveSnapshot) => {
      const tile = frame.current;
      if (tile !== null) {
        tile.dataset["ageMs"] = next.ageMs === null ? "" : String(Math.round(next.ageMs));
        tile.dataset["atUs"] = next.atUs === null ? "" : String(next.atUs);
      }
      if (age.current !== null) age.current.textContent = next.ageMs === null ? "" : ageText(next.ageMs);
      if (drawKey(next) === drawn) return;
      drawn = drawKey(next);
      setSnapshot(next);
    };
    const made = new LivePlayer(
      { video: video.current, canvas: canvas.current },
      {
        openLook: () =>
          client.openLook({ channel_id: channelId, purpose, kind: "live", presentation: "raw" }),
        closeLook: (id) => void client.closeLook(id),
        onSignedOut,
        onChange: change,
      },
    );
    player.current = made;
    made.start();
    return () => made.stop();
  }, [channelId, purpose, onSignedOut]);

  return { frame, video, canvas, age, snapshot, retry: () => player.current?.retry() };
}
