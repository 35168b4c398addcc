import type { Channel } from "../api/types";
import { Icon } from "../kit/icons";
import { Button } from "../kit/parts";
import { en } from "../text/en";
import { MadeBadge } from "./MadeBadge";
import type { LiveSnapshot } from "./player/livePorts";
import { useSite } from "./site";
import { TileFrame } from "./TileFrame";
import { liveWords } from "./tileWords";
import { useLive } from "./useLive";

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
  readonly onClear?: (() => void) | undefined;
  readonly onDropChannel: (id: string) => void;
}

/** One camera live. Make it anew (by `key`) for another channel or purpose. */
export function LiveTile(props: LiveTileProps) {
  const { zone } = useSite();
  const { frame, video, canvas, age, snapshot, retry } = useLive(props.channelId, props.purpose);
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
              {snapshot.state === "denied" && <Button onClick={retry}>{en.common.retry}</Button>}
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
