import { useState, type ReactNode } from "react";
import { alarmsApi, type Alarm } from "../../api/alarms";
import { serverClock } from "../../api/client";
import { AreaField, SelectField } from "../../kit/forms";
import { Button, Dialog, Field, Skeleton } from "../../kit/parts";
import { momentText, typedMoment } from "../../kit/time";
import { alarmsText as words } from "../../text/alarms";
import { en } from "../../text/en";
import { ProblemBox } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";
import { tomorrowAtEight } from "./parkTimes";
import type { StepWish } from "./useSteps";

export type Asking = "park" | "close" | "forward" | "note";

interface StepDialogProps {
  readonly asking: Asking;
  readonly alarms: readonly Alarm[];
  readonly isBusy: boolean;
  readonly onClose: () => void;
  readonly onDone: (wish: StepWish) => void;
}

/** What a step needs to know: until when, why, to whom. */
export function StepDialog(props: StepDialogProps) {
  const count = props.alarms.length;
  switch (props.asking) {
    case "park":
      return <ParkDialog {...props} title={words.parkTitle(count)} />;
    case "close":
      return <CloseDialog {...props} title={words.closeTitle(count)} />;
    case "forward":
      return <ForwardDialog {...props} title={words.forwardTitle(count)} />;
    case "note":
      return <NoteDialog {...props} title={words.noteTitle} />;
  }
}

type PartProps = StepDialogProps & { readonly title: string };

interface FrameProps extends PartProps {
  readonly go: string;
  readonly canGo: boolean;
  readonly wish: () => StepWish;
  readonly children: ReactNode;
}

function Frame({ title, go, canGo, wish, children, isBusy, onClose, onDone, asking }: FrameProps) {
  return (
    <Dialog title={title} closeLabel={en.common.close} onClose={onClose} testId={`alarm-${asking}-dialog`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canGo && !isBusy) onDone(wish());
        }}
      >
        {children}
        <div className="dialog-foot">
          <Button onClick={onClose}>{en.common.cancel}</Button>
          <Button kind="primary" type="submit" disabled={!canGo || isBusy} testId={`alarm-${asking}-go`}>
            {go}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function noted(note: string): StepWish {
  return note.trim() === "" ? {} : { note: note.trim() };
}

function ParkDialog(props: PartProps) {
  const { zone } = useSite();
  const [other, setOther] = useState("");
  const [note, setNote] = useState("");
  const nowUs = serverClock.nowUs();
  const otherUs = typedMoment(other, zone);
  const presets: readonly (readonly [string, number])[] = [
    [words.presets.ten, nowUs + 600_000_000],
    [words.presets.hour, nowUs + 3_600_000_000],
    [words.presets.tomorrow, tomorrowAtEight(nowUs, zone)],
  ];
  return (
    <Frame
      {...props}
      go={words.parkGo}
      canGo={otherUs !== null && otherUs > nowUs}
      wish={() => ({ until_us: otherUs ?? 0, ...noted(note) })}
    >
      <p className="hint">{words.parkHint}</p>
      <div className="group">
        {presets.map(([label, untilUs], index) => (
          <Button
            key={label}
            disabled={props.isBusy}
            onClick={() => props.onDone({ until_us: Math.round(untilUs), ...noted(note) })}
            testId={`alarm-park-${index}`}
          >
            {label}
          </Button>
        ))}
      </div>
      <Field
        label={words.parkOther}
        type="datetime-local"
        value={other}
        onChange={setOther}
        error={otherUs !== null && otherUs <= nowUs ? words.parkPast : undefined}
        {...(otherUs === null ? {} : { hint: momentText(otherUs, zone) })}
      />
      <Field label={words.noteOptional} value={note} onChange={setNote} />
    </Frame>
  );
}

function CloseDialog(props: PartProps) {
  const [reason, setReason] = useState<string>(words.closeReasons[0]);
  const [other, setOther] = useState("");
  const [note, setNote] = useState("");
  const said = reason === "" ? other.trim() : reason;
  return (
    <Frame {...props} go={words.closeGo} canGo={said !== ""} wish={() => ({ reason: said, ...noted(note) })}>
      <SelectField
        label={words.closeReason}
        value={reason}
        options={[
          ...words.closeReasons.map((one) => ({ value: one, words: one })),
          { value: "", words: words.closeOther },
        ]}
        onChange={setReason}
        testId="alarm-close-reason"
      />
      {reason === "" && (
        <Field label={words.closeOther} value={other} onChange={setOther} required hint={words.closeNeeds} />
      )}
      <Field label={words.noteOptional} value={note} onChange={setNote} testId="alarm-close-note" />
    </Frame>
  );
}

function ForwardDialog(props: PartProps) {
  const [to, setTo] = useState("");
  const [note, setNote] = useState("");
  const first = props.alarms[0];
  return (
    <Frame
      {...props}
      go={words.forwardGo}
      canGo={to !== ""}
      wish={() => ({ to_user_id: to, ...noted(note) })}
    >
      {first !== undefined && <Takers alarmId={first.id} value={to} onChange={setTo} />}
      <Field label={words.noteOptional} value={note} onChange={setNote} />
    </Frame>
  );
}

interface TakersProps {
  readonly alarmId: string;
  readonly value: string;
  readonly onChange: (id: string) => void;
}

function Takers({ alarmId, value, onChange }: TakersProps) {
  const asked = useAsked((signal) => alarmsApi.people(alarmId, signal), `takers ${alarmId}`, null);
  if (asked.value === null) {
    return asked.problem === null ? (
      <Skeleton rows={1} label={en.common.loading} />
    ) : (
      <ProblemBox problem={asked.problem} onRetry={asked.refresh} />
    );
  }
  const others = asked.value;
  if (others.length === 0) return <p className="hint">{words.forwardNobody}</p>;
  return (
    <SelectField
      label={words.forwardTo}
      value={value}
      options={[{ value: "", words: "…" }, ...others.map((one) => ({ value: one.id, words: one.name }))]}
      onChange={onChange}
      testId="alarm-forward-to"
    />
  );
}

function NoteDialog(props: PartProps) {
  const [note, setNote] = useState("");
  return (
    <Frame {...props} go={words.noteGo} canGo={note.trim() !== ""} wish={() => ({ note: note.trim() })}>
      <AreaField label={words.note} value={note} onChange={setNote} rows={4} testId="alarm-note-words" />
    </Frame>
  );
}
