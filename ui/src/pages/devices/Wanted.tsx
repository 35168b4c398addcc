import { useState } from "react";
import { devicesApi, type Desired, type Device, type Drift, type EncoderWish } from "../../api/devices";
import type { Problem, Result } from "../../api/result";
import { CheckField } from "../../kit/forms";
import { Icon } from "../../kit/icons";
import { Button, Field } from "../../kit/parts";
import { en } from "../../text/en";
import { devicesText } from "../../text/devices";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";

const words = devicesText.wanted;
const FIRST_SUB: EncoderWish = {
  codec: "h264",
  width_px: 640,
  height_px: 360,
  fps: 5,
  is_variable_bitrate: true,
  gop_s: 2,
  bitrate_bps: null,
};

interface WantedProps {
  readonly device: Device;
  readonly onChanged: () => void;
}

/** What the site wants of the device beside what was found; nothing is written unasked. */
export function Wanted({ device, onChanged }: WantedProps) {
  const { can } = useSite();
  const [busy, setBusy] = useState<"check" | "write" | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [said, setSaid] = useState("");
  const canEdit = can("camera.edit");
  const canAsk = device.abilities.includes("encoder") || device.abilities.includes("clock");
  const run = async (kind: "check" | "write", ask: () => Promise<Result<Device>>) => {
    setBusy(kind);
    setProblem(null);
    setSaid("");
    const answer = await ask();
    setBusy(null);
    if (!answer.ok) {
      setProblem(answer.problem);
      return;
    }
    const left = answer.value.drift.length;
    if (kind === "write") setSaid(left === 0 ? words.written : words.left(left));
    onChanged();
  };
  if (!canAsk) return <p className="hint">{words.cannot}</p>;
  return (
    <>
      <p className="hint">{words.hint}</p>
      <DriftTable drift={device.drift} isChecked={device.checked_us !== null} />
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <p role="status" className="hint">
        {said}
      </p>
      <div className="group">
        <Button
          disabled={!canEdit || busy !== null}
          onClick={() => void run("check", () => devicesApi.check(device.id))}
          testId="device-check"
        >
          {busy === "check" ? words.checking : words.check}
        </Button>
        <Button
          disabled={!canEdit || busy !== null}
          onClick={() => void run("write", () => devicesApi.configure(device.id))}
          testId="device-configure"
        >
          {busy === "write" ? words.writing : words.write}
        </Button>
        {!canEdit && <span className="hint">{en.problem.denied("camera.edit")}</span>}
      </div>
      {canEdit && device.desired !== null && (
        <DesiredForm
          desired={device.desired}
          onSave={(desired) => run("check", () => devicesApi.change(device.id, { desired }))}
        />
      )}
    </>
  );
}

function DriftTable({ drift, isChecked }: { readonly drift: readonly Drift[]; readonly isChecked: boolean }) {
  if (!isChecked) return <p>{words.notYet}</p>;
  if (drift.length === 0) {
    return (
      <p className="verdict is-good" data-testid="no-drift">
        <Icon name="check" /> {words.same}
      </p>
    );
  }
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={words.title}>
      <table data-testid="drift">
        <thead>
          <tr>
            <th scope="col">{words.columns.setting}</th>
            <th scope="col">{words.columns.wanted}</th>
            <th scope="col">{words.columns.found}</th>
          </tr>
        </thead>
        <tbody>
          {drift.map((one) => (
            <tr key={`${one.input} ${one.setting}`} data-testid="drift-row">
              <td>
                <span className="sign-drift">
                  <Icon name="differ" />
                </span>{" "}
                {words.settings[one.setting] ?? one.setting}
              </td>
              <td className="mono">{one.wanted}</td>
              <td className="mono">{one.found}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface DesiredFormProps {
  readonly desired: Desired;
  readonly onSave: (desired: Desired) => Promise<void>;
}

function DesiredForm({ desired, onSave }: DesiredFormProps) {
  const [hasSub, setHasSub] = useState(desired.sub !== null);
  const first = desired.sub ?? FIRST_SUB;
  const [width, setWidth] = useState(String(first.width_px));
  const [height, setHeight] = useState(String(first.height_px));
  const [fps, setFps] = useState(String(first.fps));
  const [gop, setGop] = useState(String(first.gop_s));
  const [isVariable, setVariable] = useState(first.is_variable_bitrate);
  const [clock, setClock] = useState(desired.clock);
  const [ntp, setNtp] = useState(desired.ntp_server ?? "");
  const numbers = [width, height, fps, gop].map(Number);
  const isGood = !hasSub || numbers.every((one) => Number.isFinite(one) && one > 0);
  const save = () =>
    onSave({
      ...desired,
      sub: hasSub
        ? {
            ...first,
            width_px: Math.round(numbers[0] ?? 0),
            height_px: Math.round(numbers[1] ?? 0),
            fps: numbers[2] ?? 0,
            gop_s: numbers[3] ?? 0,
            is_variable_bitrate: isVariable,
          }
        : null,
      clock,
      ntp_server: ntp.trim() === "" ? null : ntp.trim(),
    });
  return (
    <details className="more" data-testid="desired">
      <summary>{words.edit}</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <CheckField label={words.leave} checked={!hasSub} onChange={(on) => setHasSub(!on)} />
        {hasSub && (
          <>
            <div className="two">
              <Field label={words.width} inputMode="numeric" value={width} onChange={setWidth} />
              <Field label={words.height} inputMode="numeric" value={height} onChange={setHeight} />
              <Field
                label={words.fps}
                inputMode="decimal"
                value={fps}
                onChange={setFps}
                testId="desired-fps"
              />
              <Field label={words.gop} inputMode="decimal" value={gop} onChange={setGop} />
            </div>
            <CheckField label={words.variable} checked={isVariable} onChange={setVariable} />
          </>
        )}
        <CheckField label={words.clock} checked={clock} onChange={setClock} />
        <Field label={words.ntp} value={ntp} onChange={setNtp} />
        <div className="group">
          <Button type="submit" disabled={!isGood} testId="desired-save">
            {devicesText.detail.save}
          </Button>
        </div>
      </form>
    </details>
  );
}
