import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { client } from "../api/client";
import type { Channel } from "../api/types";
import { Icon } from "../kit/icons";
import { Button } from "../kit/parts";
import { ageText } from "../kit/time";
import { en } from "../text/en";
import { isLowLatency, onLowLatency, playsH265 } from "./liveChoice";
import { MadeBadge } from "./MadeBadge";
import { EitherPlayer } from "./player/eitherPlayer";
import { LivePlayer } from "./player/livePlayer";
import type { LivePlayerPorts, LiveSnapshot, LiveViewer } from "./player/livePorts";
import { useSite } from "./site";
import { TileFrame } from "./TileFrame";
import { liveWords } from "./tileWords";

interface LiveTileProps {
  readonly index: number;
  readonly channelId: string;
  readonly channel: Channel | null;
  readonly purpose: string;
  readonly isSelected: boolean;
  readonly isMaximised: boolean;
  readonly isHidden: boolean;
  readonly onSelect: () => void;
  readonly onMaximise: () => void;
  readonly onClear: () => void;
  readonly onDropChannel: (id: string) => void;
}

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

/** One camera live. Make it anew (by `key`) for another channel or purpose. */
export function LiveTile(props: LiveTileProps) {
  const { zone, onSignedOut } = useSite();
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const age = useRef<HTMLSpanElement>(null);
  const player = useRef<LiveViewer | null>(null);
  const [snapshot, setSnapshot] = useState(START);
  const wantsLowLatency = useSyncExternalStore(onLowLatency, isLowLatency);
  const { channelId, purpose } = props;

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

  const words = liveWords(snapshot, props.channel, zone);
  const name = props.channel?.name ?? en.live.gone;
  return (
    <TileFrame
      index={props.index}
      name={name}
      state={snapshot.state}
      isSelected={props.isSelected}
      isMaximised={props.isMaximised}
      isHidden={props.isHidden}
      isCanvasShown={snapshot.isCanvasShown}
      frameRef={frame}
      onSelect={props.onSelect}
      onMaximise={props.onMaximise}
      onClear={props.onClear}
      onDropChannel={props.onDropChannel}
      badges={<LiveBadges snapshot={snapshot} channel={props.channel} />}
      foot={
        <>
          {words !== null && (
            <div className="tile-banner" role="status">
              <strong>{words.title}</strong>
              {words.lines.map((line) => (
                <span key={line}>{line}</span>
              ))}
              {snapshot.state === "denied" && (
                <Button onClick={() => player.current?.retry()}>{en.common.retry}</Button>
              )}
            </div>
          )}
          <span className="tile-age" ref={age} title={en.live.age("")} />
        </>
      }
    >
      <video ref={video} muted playsInline disablePictureInPicture tabIndex={-1} />
      <canvas ref={canvas} aria-hidden="true" />
    </TileFrame>
  );
}

function LiveBadges({
  snapshot,
  channel,
}: {
  readonly snapshot: LiveSnapshot;
  readonly channel: Channel | null;
}) {
  const codec = channel?.streams[0]?.codec ?? null;
  return (
    <>
      <span className={`badge badge-${snapshot.state}`}>
        <Icon name={snapshot.state === "live" ? "dot" : "ring"} /> {en.live.states[snapshot.state]}
      </span>
      {channel?.state === "recording" && snapshot.state !== "lost" && (
        <span className="badge badge-rec" title={en.live.recHint}>
          <Icon name="bar" /> {en.live.rec}
        </span>
      )}
      {codec !== null && codec !== "h264" && <span className="badge">{codec.toUpperCase()}</span>}
      {snapshot.way === "webrtc" && (
        <span className="badge" title={en.live.webrtcHint}>
          {en.live.webrtc}
        </span>
      )}
      {snapshot.state !== "connecting" && <MadeBadge made={snapshot.made} />}
      {snapshot.droppedCount > 0 && (
        <span className="badge badge-warning" title={en.live.dropped(snapshot.droppedCount)}>
          <Icon name="diamond" /> −{snapshot.droppedCount}
        </span>
      )}
    </>
  );
}
