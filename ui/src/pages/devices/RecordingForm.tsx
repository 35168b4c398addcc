import { useCallback, useEffect, useState } from "react";
import { devicesApi, type RecordingPolicy } from "../../api/devices";
import type { Problem } from "../../api/result";
import type { Channel } from "../../api/types";
import { SelectField } from "../../kit/forms";
import { Button, Field } from "../../kit/parts";
import { recordingText as words } from "../../text/recording";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";
import { hoursOf, NIGHT, profileOf, profileWords, WeekHours, type Hours } from "../../widgets/WeekHours";

const MODES = ["continuous", "schedule", "on_event"] as const;
const RECORD_NOW_S = 60;

/** When the camera is recorded, and recording it now. */
export function RecordingForm({ channel }: { readonly channel: Channel }) {
  const site = useSite();
  const [policy, setPolicy] = useState<RecordingPolicy | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    void devicesApi.recording(channel.id, stop.signal).then((answer) => {
      if (answer.ok) setPolicy(answer.value);
      else if (answer.problem !== null) setProblem(answer.problem);
    });
    return () => stop.abort();
  }, [channel.id]);
  const recordNow = useCallback(async () => {
    const answer = await devicesApi.recordNow(channel.id, RECORD_NOW_S);
    if (answer.ok) site.say(words.recordingNow(RECORD_NOW_S));
    else setProblem(answer.problem);
  }, [channel.id, site]);
  const save = async () => {
    if (policy === null) return;
    setBusy(true);
    setProblem(null);
    const answer = await devicesApi.setRecording(channel.id, policy);
    setBusy(false);
    if (answer.ok) {
      setPolicy(answer.value);
      site.say(words.saved);
    } else setProblem(answer.problem);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      data-testid="recording-form"
    >
      {policy !== null && (
        <PolicyFields policy={policy} disabled={!site.can("camera.edit")} onChange={setPolicy} />
      )}
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <div className="group">
        <Button
          kind="primary"
          type="submit"
          disabled={isBusy || policy === null || !site.can("camera.edit")}
          testId="recording-save"
        >
          {words.save}
        </Button>
        <Button onClick={() => void recordNow()} disabled={!site.can("evidence.hold")} testId="record-now">
          {words.recordNow}
        </Button>
      </div>
    </form>
  );
}

interface PolicyFieldsProps {
  readonly policy: RecordingPolicy;
  readonly disabled: boolean;
  readonly onChange: (policy: RecordingPolicy) => void;
}

function secondsOf(text: string): number {
  const value = Number.parseFloat(text.replace(",", "."));
  return Number.isFinite(value) ? value : 0;
}

function PolicyFields({ policy, disabled, onChange }: PolicyFieldsProps) {
  const known = policy.hours === null ? null : hoursOf(policy.hours);
  const setHours = (hours: Hours) => onChange({ ...policy, hours: profileOf(hours) });
  const setMode = (mode: string) => {
    const chosen = MODES.find((one) => one === mode) ?? "continuous";
    onChange({ ...policy, mode: chosen, hours: chosen === "schedule" ? profileOf(known ?? NIGHT) : null });
  };
  return (
    <>
      <SelectField
        label={words.mode}
        value={policy.mode}
        options={MODES.map((one) => ({ value: one, words: words.modes[one] }))}
        disabled={disabled}
        onChange={setMode}
        testId="recording-mode"
      />
      {policy.hours !== null && known === null && <p className="hint">{profileWords(policy.hours)}</p>}
      {policy.mode === "schedule" && (
        <WeekHours hours={known ?? NIGHT} disabled={disabled} onChange={setHours} />
      )}
      {policy.mode !== "continuous" && <p className="hint">{words.hint[policy.mode]}</p>}
      {policy.mode !== "continuous" && (
        <div className="two">
          <Field
            label={words.before}
            inputMode="decimal"
            value={String(policy.pre_roll_s)}
            onChange={(text) => onChange({ ...policy, pre_roll_s: secondsOf(text) })}
            disabled={disabled}
            testId="recording-before"
          />
          <Field
            label={words.after}
            inputMode="decimal"
            value={String(policy.post_roll_s)}
            onChange={(text) => onChange({ ...policy, post_roll_s: secondsOf(text) })}
            disabled={disabled}
            testId="recording-after"
          />
        </div>
      )}
    </>
  );
}
