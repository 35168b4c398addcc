/** A live picture on a video and a canvas of one's own; the age goes straight to the page. */

import { useEffect, useRef, useState, useSyncExternalStore, type RefObject } from "react";
import { client } from "../api/client";
import { ageText } from "../kit/time";
import { isLowLatency, onLowLatency, playsH265 } from "./liveChoice";
import { EitherPlayer } from "./player/eitherPlayer";
import { LivePlayer } from "./player/livePlayer";
import type { LivePlayerPorts, LiveSnapshot, LiveViewer } from "./player/livePorts";
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
  made: "as sent",
  way: "socket",
  droppedCount: 0,
  isCanvasShown: false,
};

/** What React must draw anew; age and time of the picture go straight to the page, four times a second. */
function drawKey(snapshot: LiveSnapshot): string {
  const { state, reason, detail, isCanvasShown, droppedCount, mseType, sinceUs, made, way } = snapshot;
  const frozenAt = state === "live" ? "" : snapshot.atUs;
  return [state, reason, detail, isCanvasShown, droppedCount, mseType, sinceUs, made, way, frozenAt].join(
    "|",
  );
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
  const player = useRef<LiveViewer | null>(null);
  const [snapshot, setSnapshot] = useState(START);
  const wantsLowLatency = useSyncExternalStore(onLowLatency, isLowLatency);

  useEffect(() => {
    if (video.current === null || canvas.current === null) return undefined;
    let drawn = "";
    const change = (next: LiveSnapshot) => {
      const tile = frame.current;
      if (tile !== null) {
        tile.dataset["ageMs"] = next.ageMs === null ? "" : String(Math.round(next.ageMs));
        tile.dataset["atUs"] = next.atUs === null ? "" : String(next.atUs);
        tile.dataset["way"] = next.way;
        tile.dataset["made"] = next.made;
      }
      if (age.current !== null) age.current.textContent = next.ageMs === null ? "" : ageText(next.ageMs);
      if (drawKey(next) === drawn) return;
      drawn = drawKey(next);
      setSnapshot(next);
    };
    const surface = { video: video.current, canvas: canvas.current };
    const wish = { channel_id: channelId, purpose, kind: "live", presentation: "raw" } as const;
    const ports: LivePlayerPorts = {
      openLook: () => client.openLook({ ...wish, needs_h264: !playsH265() }),
      closeLook: (id) => void client.closeLook(id),
      onSignedOut,
      onChange: change,
    };
    const made = wantsLowLatency ? new EitherPlayer(surface, ports) : new LivePlayer(surface, ports);
    player.current = made;
    made.start();
    return () => made.stop();
  }, [channelId, purpose, onSignedOut, wantsLowLatency]);

  return { frame, video, canvas, age, snapshot, retry: () => player.current?.retry() };
}
