import { useEffect, useRef, useState } from "react";
import { Icon, type IconName } from "../kit/icons";
import { Button } from "../kit/parts";
import { preciseText, zoneName } from "../kit/time";
import { en } from "../text/en";
import type { PlaybackGroup } from "./player/playbackGroup";

interface TransportProps {
  readonly group: PlaybackGroup;
  readonly zone: string;
  readonly speeds: readonly number[];
  readonly onEdge: () => void;
}

/** Play, pause, step, skip, speed; the position in large figures. */
export function Transport({ group, zone, speeds, onEdge }: TransportProps) {
  const [state, setState] = useState({ isPlaying: false, isHeld: false, speed: 1, isAtEnd: false });
  const stamp = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let drawn = "";
    return group.listen(({ positionUs, isPlaying, isHeld, speed, isAtEnd }) => {
      if (stamp.current !== null) {
        stamp.current.textContent = preciseText(positionUs, zone);
        stamp.current.dataset["wallUs"] = String(positionUs);
      }
      const key = `${String(isPlaying)} ${String(isHeld)} ${speed} ${String(isAtEnd)}`;
      if (key === drawn) return;
      drawn = key;
      setState({ isPlaying, isHeld, speed, isAtEnd });
    });
  }, [group, zone]);
  const words = en.playback;
  const skips: readonly (readonly [string, IconName, () => void])[] = [
    [words.back, "back", () => group.skip(-10_000_000)],
    [words.stepBack, "stepBack", () => group.step(-1)],
  ];
  const onward: readonly (readonly [string, IconName, () => void])[] = [
    [words.stepOn, "stepOn", () => group.step(1)],
    [words.forward, "onward", () => group.skip(10_000_000)],
  ];
  return (
    <div className="transport" role="group" aria-label={words.play}>
      {skips.map(([label, sign, run]) => (
        <Button key={label} label={label} onClick={run}>
          <Icon name={sign} />
          {(sign === "back" || sign === "onward") && <span aria-hidden="true">10</span>}
        </Button>
      ))}
      <Button
        kind="primary"
        label={state.isPlaying ? words.pause : words.play}
        onClick={() => group.toggle()}
        testId="play"
      >
        <Icon name={state.isPlaying ? "pause" : "play"} />
      </Button>
      {onward.map(([label, sign, run]) => (
        <Button key={label} label={label} onClick={run}>
          <Icon name={sign} />
          {(sign === "back" || sign === "onward") && <span aria-hidden="true">10</span>}
        </Button>
      ))}
      <label className="inline-field">
        <span>{words.speed}</span>
        <select
          value={state.speed}
          onChange={(event) => group.setSpeed(Number(event.target.value))}
          data-testid="speed"
        >
          {speeds.map((speed) => (
            <option key={speed} value={speed}>
              {speed}×
            </option>
          ))}
        </select>
      </label>
      <Button onClick={onEdge} testId="newest">
        {words.toEdge}
      </Button>
      <span className="position" title={zoneName(zone, group.snapshot().positionUs)}>
        <span ref={stamp} data-testid="position" />
      </span>
      <span className="hint" role="status">
        {state.isAtEnd ? words.atEnd : state.isHeld ? words.held : ""}
      </span>
    </div>
  );
}
