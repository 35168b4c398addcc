import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from "react";
import { devicesApi, type PtzStatus, type PtzWish } from "../api/devices";
import type { Problem } from "../api/result";
import { Icon, type IconName } from "../kit/icons";
import { Button, Field } from "../kit/parts";
import { devicesText } from "../text/devices";
import { problemWords } from "./ProblemBox";
import { useSite } from "./site";

const words = devicesText.ptz;
const HOLD_S = 1.0;
const AGAIN_MS = 600;
const SPEED = 0.6;

interface Direction {
  readonly name: "up" | "down" | "left" | "right" | "in" | "out";
  readonly sign: IconName;
  readonly keys: readonly string[];
  readonly pan: number;
  readonly tilt: number;
  readonly zoom: number;
}

const DIRECTIONS: readonly Direction[] = [
  { name: "up", sign: "up", keys: ["ArrowUp"], pan: 0, tilt: SPEED, zoom: 0 },
  { name: "left", sign: "left", keys: ["ArrowLeft"], pan: -SPEED, tilt: 0, zoom: 0 },
  { name: "right", sign: "right", keys: ["ArrowRight"], pan: SPEED, tilt: 0, zoom: 0 },
  { name: "down", sign: "down", keys: ["ArrowDown"], pan: 0, tilt: -SPEED, zoom: 0 },
  { name: "in", sign: "plus", keys: ["+", "="], pan: 0, tilt: 0, zoom: SPEED },
  { name: "out", sign: "minus", keys: ["-"], pan: 0, tilt: 0, zoom: -SPEED },
];

/** Moves while held, in steps that end by themselves: a lost connection never leaves the camera turning. */
function useSteering(channelId: string) {
  const [status, setStatus] = useState<PtzStatus | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const held = useRef<ReturnType<typeof setInterval> | null>(null);
  const send = useCallback(
    async (wish: PtzWish) => {
      const answer = await devicesApi.steer(channelId, wish);
      if (answer.ok) {
        setStatus(answer.value);
        setProblem(null);
      } else if (answer.problem !== null) setProblem(answer.problem);
      return answer.ok;
    },
    [channelId],
  );
  const stop = useCallback(() => {
    if (held.current === null) return;
    clearInterval(held.current);
    held.current = null;
    void send({ stop: true });
  }, [send]);
  const hold = useCallback(
    ({ pan, tilt, zoom }: Direction) => {
      if (held.current !== null) clearInterval(held.current);
      const move = () => void send({ move: { pan, tilt, zoom, for_s: HOLD_S } });
      move();
      held.current = setInterval(move, AGAIN_MS);
    },
    [send],
  );
  useEffect(() => {
    const abort = new AbortController();
    void devicesApi.ptz(channelId, abort.signal).then((answer) => {
      if (answer.ok) setStatus(answer.value);
      else if (answer.problem !== null) setProblem(answer.problem);
    });
    window.addEventListener("blur", stop);
    return () => {
      abort.abort();
      window.removeEventListener("blur", stop);
      stop();
    };
  }, [channelId, stop]);
  return { status, problem, send, hold, stop };
}

/** Hold a button or an arrow key to move; releasing, leaving or losing the focus stops. */
export function PtzPad({ channelId }: { readonly channelId: string }) {
  const site = useSite();
  const { status, problem, send, hold, stop } = useSteering(channelId);
  const [name, setName] = useState("");
  const presets = status?.presets ?? [];
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const direction = DIRECTIONS.find((one) => one.keys.includes(event.key));
    const preset = /^[1-9]$/.test(event.key) ? presets[Number(event.key) - 1] : undefined;
    if (direction === undefined && preset === undefined && !/^[1-9]$/.test(event.key)) return;
    // Claimed: the page's own digits and arrows stay silent while the pad is focused.
    event.preventDefault();
    if (direction !== undefined && !event.repeat) hold(direction);
    if (preset !== undefined) void send({ preset: preset.token });
  };
  const release = (event: KeyboardEvent) => {
    if (DIRECTIONS.some((one) => one.keys.includes(event.key))) stop();
  };
  const keep = async () => {
    const wished = name.trim();
    if (wished !== "" && (await send({ keep: wished }))) {
      site.say(words.kept(wished));
      setName("");
    }
  };
  const figure = (value: number | null) => (value === null ? "—" : value.toFixed(2));
  return (
    <div className="ptz" data-testid="ptz">
      <div className="ptz-pad" role="group" aria-label={words.pad} data-testid="ptz-pad">
        {DIRECTIONS.map((one) => (
          <button
            key={one.name}
            type="button"
            className={`button ptz-${one.name}`}
            aria-label={words[one.name]}
            title={words[one.name]}
            onKeyDown={press}
            onKeyUp={release}
            onBlur={stop}
            onPointerDown={(event) => {
              event.currentTarget.setPointerCapture(event.pointerId);
              hold(one);
            }}
            onPointerUp={stop}
            onPointerCancel={stop}
            onClick={(event) => {
              // By Enter, Space or a screen reader there is no holding: one step.
              if (event.detail === 0)
                void send({ move: { pan: one.pan, tilt: one.tilt, zoom: one.zoom, for_s: 0.4 } });
            }}
            data-testid={`ptz-${one.name}`}
          >
            <Icon name={one.sign} />
          </button>
        ))}
        <Button label={words.stop} onClick={() => void send({ stop: true })} testId="ptz-stop">
          <Icon name="square" />
        </Button>
      </div>
      <div className="ptz-side">
        <p className="hint">{words.hint}</p>
        {problem !== null && (
          <p className="field-error" role="alert">
            {problemWords(problem)}
          </p>
        )}
        {status !== null && (
          <p
            className="hint"
            data-testid="ptz-position"
            data-pan={status.pan ?? ""}
            data-tilt={status.tilt ?? ""}
          >
            {words.position(figure(status.pan), figure(status.tilt), figure(status.zoom))} ·{" "}
            {status.is_moving ? words.moving : words.still}
          </p>
        )}
        <h4>{words.presets}</h4>
        {status !== null && presets.length === 0 && <p className="hint">{words.noPresets}</p>}
        <div className="group">
          {presets.map((one, index) => (
            <Button key={one.token} onClick={() => void send({ preset: one.token })}>
              {words.preset(index + 1, one.name)}
            </Button>
          ))}
        </div>
        <form
          className="trouble-form"
          aria-label={words.keep}
          onSubmit={(event) => {
            event.preventDefault();
            void keep();
          }}
        >
          <Field label={words.keep} value={name} onChange={setName} testId="ptz-keep-name" />
          <Button type="submit" disabled={name.trim() === ""} testId="ptz-keep">
            {words.keepButton}
          </Button>
        </form>
      </div>
    </div>
  );
}
