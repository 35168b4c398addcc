import { useEffect, useRef, useState } from "react";
import type { Channel } from "../../api/types";
import { go } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Button, Link } from "../../kit/parts";
import { useShortcuts } from "../../kit/shortcuts";
import { alarmsText as words } from "../../text/alarms";
import { en } from "../../text/en";
import { LiveTile } from "../../widgets/LiveTile";
import { PlaybackGroup } from "../../widgets/player/playbackGroup";
import { PlaybackTile } from "../../widgets/PlaybackTile";
import { useSite } from "../../widgets/site";

const AROUND_S = 10;
const AROUND_US = AROUND_S * 1_000_000;
const SECOND_US = 1_000_000;

const NOTHING = () => undefined;
const ALONE = {
  isSelected: false,
  isMaximised: false,
  isHidden: false,
  onSelect: NOTHING,
  onMaximise: NOTHING,
  onDropChannel: NOTHING,
};

/** Plays from ten seconds before to ten seconds after, once. */
export function useAround(atUs: number): PlaybackGroup {
  const [group] = useState(() => new PlaybackGroup(atUs - AROUND_US));
  useEffect(() => {
    group.start();
    group.play();
    const stop = group.listen(({ positionUs, isPlaying }) => {
      if (isPlaying && positionUs >= atUs + AROUND_US) group.pause();
    });
    return () => {
      stop();
      group.stop();
    };
  }, [group, atUs]);
  return group;
}

interface AroundProps {
  readonly group: PlaybackGroup;
  readonly atUs: number;
  readonly channelId: string;
  readonly purpose: string;
}

/** Before and after, and beside it how it is now. */
export function Around({ group, atUs, channelId, purpose }: AroundProps) {
  const site = useSite();
  const channel = site.channels.value?.find((one) => one.id === channelId) ?? null;
  return (
    <div className="around">
      <section aria-label={words.pictures} data-testid="alarm-playback">
        <h3>{words.pictures}</h3>
        <PlaybackTile
          {...ALONE}
          index={0}
          channelId={channelId}
          channel={channel}
          purpose={purpose}
          group={group}
        />
        <AroundBar group={group} atUs={atUs} channelId={channelId} />
      </section>
      <section aria-label={words.live} data-testid="alarm-live">
        <h3>{words.live}</h3>
        <LiveTile {...ALONE} index={1} channelId={channelId} channel={channel} purpose={purpose} />
      </section>
    </div>
  );
}

function AroundBar({ group, atUs, channelId }: Omit<AroundProps, "purpose">) {
  const [isPlaying, setPlaying] = useState(false);
  const slider = useRef<HTMLInputElement>(null);
  const figure = useRef<HTMLSpanElement>(null);
  useEffect(
    () =>
      group.listen((snapshot) => {
        const s = Math.max(-AROUND_S, Math.min(AROUND_S, (snapshot.positionUs - atUs) / SECOND_US));
        if (slider.current !== null && document.activeElement !== slider.current) {
          slider.current.value = s.toFixed(1);
        }
        if (figure.current !== null) {
          figure.current.textContent = `${s < 0 ? "−" : "+"}${Math.abs(s).toFixed(1)} s`;
          figure.current.dataset["offsetS"] = s.toFixed(1);
        }
        setPlaying(snapshot.isPlaying);
      }),
    [group, atUs],
  );
  const again = () => {
    group.seek(atUs - AROUND_US);
    group.play();
  };
  const toggle = () => {
    if (!isPlaying && group.snapshot().positionUs >= atUs + AROUND_US) again();
    else group.toggle();
  };
  useShortcuts(words.keys.scope, [
    [" ", words.keys.play, toggle],
    ["r", words.keys.again, again],
  ]);
  return (
    <div className="around-bar">
      <Button kind="quiet" label={isPlaying ? en.playback.pause : en.playback.play} onClick={toggle}>
        <Icon name={isPlaying ? "pause" : "play"} />
      </Button>
      <input
        ref={slider}
        type="range"
        min={-AROUND_S}
        max={AROUND_S}
        step={0.1}
        defaultValue={-AROUND_S}
        aria-label={words.pictures}
        onChange={(event) => group.seek(atUs + Number(event.target.value) * SECOND_US)}
      />
      <span className="mono around-figure" ref={figure} data-testid="alarm-offset" />
      <Button kind="quiet" label={words.again} onClick={again} testId="alarm-again">
        <Icon name="back" />
      </Button>
      <Link
        to={`/playback?grid=1&tiles=${channelId}&at=${Math.round(atUs)}`}
        go={go}
        className="button button-quiet"
        label={words.playback}
        testId="alarm-to-playback"
      >
        <Icon name="playback" />
      </Link>
    </div>
  );
}

interface NeighboursProps {
  readonly ids: readonly string[];
  readonly channels: readonly Channel[];
  readonly purpose: string;
}

const NEIGHBOURS_MOST = 4;

export function Neighbours({ ids, channels, purpose }: NeighboursProps) {
  const found = ids.filter((id) => channels.some((one) => one.id === id)).slice(0, NEIGHBOURS_MOST);
  return (
    <section aria-label={words.neighbours} data-testid="alarm-neighbours">
      <h3>{words.neighbours}</h3>
      {found.length === 0 && <p className="hint">{words.noNeighbours}</p>}
      <div className="neighbours">
        {found.map((id, index) => (
          <LiveTile
            key={`${id} ${purpose}`}
            {...ALONE}
            onSelect={() => go(`/live?grid=1&tiles=${id}`)}
            index={index + 2}
            channelId={id}
            channel={channels.find((one) => one.id === id) ?? null}
            purpose={purpose}
          />
        ))}
      </div>
    </section>
  );
}
