import { useEffect, useRef, useState } from "react";
import { client } from "../api/client";
import type { Made } from "../api/liveMessages";
import type { Channel } from "../api/types";
import { Button } from "../kit/parts";
import { momentText, preciseText } from "../kit/time";
import { en } from "../text/en";
import type { PlaybackGroup } from "./player/playbackGroup";
import { playsH265 } from "./liveChoice";
import { MadeBadge } from "./MadeBadge";
import { PlaybackPlayer } from "./player/playbackPlayer";
import type { PlaybackSnapshot } from "./player/playbackPorts";
import { problemWords } from "./ProblemBox";
import { useSite } from "./site";
import { TileFrame } from "./TileFrame";
import { unsupportedWords } from "./tileWords";

interface PlaybackTileProps {
  readonly index: number;
  readonly channelId: string;
  readonly channel: Channel | null;
  readonly purpose: string;
  readonly group: PlaybackGroup;
  readonly isSelected: boolean;
  readonly isMaximised: boolean;
  readonly isHidden: boolean;
  readonly onSelect: () => void;
  readonly onMaximise: () => void;
  readonly onClear?: (() => void) | undefined;
  readonly onDropChannel: (id: string) => void;
}

const START: PlaybackSnapshot = {
  state: "loading",
  wallUs: null,
  nextUs: null,
  problem: null,
  mseType: null,
  seekMs: null,
  isCanvasShown: false,
};

/** One camera's recording at the group's time. Make it anew (by `key`) for another channel or purpose. */
export function PlaybackTile(props: PlaybackTileProps) {
  const { zone } = useSite();
  const frame = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const stamp = useRef<HTMLSpanElement>(null);
  const player = useRef<PlaybackPlayer | null>(null);
  const [snapshot, setSnapshot] = useState(START);
  const [made, setMade] = useState<Made>("as sent");
  const { channelId, purpose, group } = props;
  const key = `tile-${props.index}`;

  useEffect(() => {
    if (video.current === null || canvas.current === null) return undefined;
    let drawn = "";
    const change = (next: PlaybackSnapshot) => {
      const tile = frame.current;
      if (tile !== null) {
        tile.dataset["wallUs"] = next.wallUs === null ? "" : String(next.wallUs);
        tile.dataset["seekMs"] = next.seekMs === null ? "" : String(next.seekMs);
      }
      if (stamp.current !== null) {
        stamp.current.textContent =
          next.wallUs === null || next.state !== "playing" ? "" : preciseText(next.wallUs, zone);
      }
      const key = [next.state, next.nextUs, next.isCanvasShown, next.mseType, next.problem?.message].join(
        "|",
      );
      if (key === drawn) return;
      drawn = key;
      setSnapshot(next);
    };
    const recorded = new PlaybackPlayer(
      { video: video.current, canvas: canvas.current },
      {
        openLook: (fromUs, toUs) =>
          client.openLook({
            channel_id: channelId,
            purpose,
            kind: "playback",
            from_us: fromUs,
            to_us: toUs,
            presentation: "raw",
            needs_h264: !playsH265(),
          }),
        closeLook: (id) => void client.closeLook(id),
        media: async (lookId, atUs, durationUs, signal) => {
          const answer = await client.media(lookId, atUs, durationUs, signal);
          if (answer.ok && answer.value.bytes !== null) setMade(answer.value.made);
          return answer;
        },
        onChange: change,
      },
    );
    player.current = recorded;
    group.add(key, recorded);
    return () => group.remove(key);
  }, [channelId, purpose, group, key, zone]);

  return (
    <TileFrame
      index={props.index}
      name={props.channel?.name ?? en.live.gone}
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
      badges={<MadeBadge made={made} />}
      foot={
        <>
          <PlaybackWords
            snapshot={snapshot}
            codec={props.channel?.streams[0]?.codec ?? null}
            zone={zone}
            onRetry={() => player.current?.retry()}
            onGo={(atUs) => group.seek(atUs)}
          />
          <span className="tile-age" ref={stamp} />
        </>
      }
    >
      <video ref={video} muted playsInline disablePictureInPicture tabIndex={-1} />
      <canvas ref={canvas} aria-hidden="true" />
    </TileFrame>
  );
}

interface WordsProps {
  readonly snapshot: PlaybackSnapshot;
  readonly codec: string | null;
  readonly zone: string;
  readonly onRetry: () => void;
  readonly onGo: (atUs: number) => void;
}

function PlaybackWords({ snapshot, codec, zone, onRetry, onGo }: WordsProps) {
  const { state, nextUs, problem } = snapshot;
  if (state === "playing") return null;
  return (
    <div className="tile-banner" role="status">
      <strong>{en.playback.states[state]}</strong>
      {state === "no-recording" && nextUs === null && <span>{en.playback.noneLater}</span>}
      {state === "no-recording" && nextUs !== null && (
        <Button onClick={() => onGo(nextUs)}>{en.playback.nextRecording(momentText(nextUs, zone))}</Button>
      )}
      {state === "unsupported" && <span>{unsupportedWords(snapshot.mseType, codec)}</span>}
      {problem !== null && <span>{problemWords(problem)}</span>}
      {problem !== null && <Button onClick={onRetry}>{en.common.retry}</Button>}
    </div>
  );
}
