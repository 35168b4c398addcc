import { useState } from "react";
import { devicesApi, type ChannelChange, type DevicePurpose, type Group } from "../../api/devices";
import type { Problem } from "../../api/result";
import type { Channel } from "../../api/types";
import { CheckField } from "../../kit/forms";
import { Button, Field } from "../../kit/parts";
import { addingText, devicesText } from "../../text/devices";
import { GroupSelect, PurposeSelect } from "../../widgets/adding/Choices";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";

interface ChannelFormProps {
  readonly channel: Channel;
  readonly purposes: readonly DevicePurpose[];
  readonly groups: readonly Group[];
  readonly onChanged: () => void;
}

function textOf(value: number | null | undefined): string {
  return value == null ? "" : String(value);
}

function numberOf(text: string): number | null {
  const value = Number.parseFloat(text.replace(",", "."));
  return text.trim() === "" || !Number.isFinite(value) ? null : value;
}

/** What the site calls the camera, where it stands and what it is for. */
export function ChannelForm({ channel, purposes, groups, onChanged }: ChannelFormProps) {
  const site = useSite();
  const [name, setName] = useState(channel.name);
  const [place, setPlace] = useState(channel.place ?? "");
  const [latitude, setLatitude] = useState(textOf(channel.latitude));
  const [longitude, setLongitude] = useState(textOf(channel.longitude));
  const [purpose, setPurpose] = useState(channel.purpose ?? "");
  const [group, setGroup] = useState(channel.group_id ?? "");
  const [keepHours, setKeepHours] = useState(textOf(channel.keep_hours));
  const [audio, setAudio] = useState(channel.streams.some((one) => one.has_audio));
  const [isAudioTouched, setAudioTouched] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const canEdit = site.can("camera.edit");
  const save = async () => {
    setBusy(true);
    setProblem(null);
    const change: ChannelChange = {
      name: name.trim(),
      place: place.trim() === "" ? null : place.trim(),
      latitude: numberOf(latitude),
      longitude: numberOf(longitude),
      purpose: purpose === "" ? null : purpose,
      group_id: group === "" ? null : group,
      keep_hours: numberOf(keepHours),
      ...(isAudioTouched ? { audio } : {}),
    };
    const answer = await devicesApi.editChannel(channel.id, change);
    setBusy(false);
    if (answer.ok) {
      site.say(devicesText.detail.saved(answer.value.name));
      onChanged();
    } else setProblem(answer.problem);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <div className="two">
        <Field
          label={addingText.name}
          value={name}
          onChange={setName}
          required
          disabled={!canEdit}
          testId="detail-name"
        />
        <Field
          label={addingText.place}
          value={place}
          onChange={setPlace}
          disabled={!canEdit}
          testId="detail-place"
        />
        <PurposeSelect purposes={purposes} value={purpose} onChange={setPurpose} />
        <GroupSelect groups={groups} value={group} onChange={setGroup} testId="detail-group" />
        <Field
          label={addingText.latitude}
          inputMode="decimal"
          value={latitude}
          onChange={setLatitude}
          disabled={!canEdit}
        />
        <Field
          label={addingText.longitude}
          inputMode="decimal"
          value={longitude}
          onChange={setLongitude}
          disabled={!canEdit}
        />
        <Field
          label={addingText.keepHours}
          hint={addingText.keepHoursHint}
          inputMode="decimal"
          value={keepHours}
          onChange={setKeepHours}
          disabled={!canEdit}
          testId="detail-keep-hours"
        />
      </div>
      <CheckField
        label={addingText.audio}
        hint={addingText.audioHint}
        checked={audio}
        disabled={!canEdit}
        onChange={(on) => {
          setAudio(on);
          setAudioTouched(true);
        }}
      />
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <div className="group">
        <Button
          kind="primary"
          type="submit"
          disabled={isBusy || !canEdit || name.trim() === ""}
          testId="detail-save"
        >
          {devicesText.detail.save}
        </Button>
      </div>
    </form>
  );
}
