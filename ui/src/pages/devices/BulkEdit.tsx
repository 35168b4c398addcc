import { useState } from "react";
import { devicesApi, type ChannelChange, type DevicePurpose, type Group } from "../../api/devices";
import type { Problem } from "../../api/result";
import { SelectField } from "../../kit/forms";
import { Button, Field } from "../../kit/parts";
import { en } from "../../text/en";
import { devicesText } from "../../text/devices";
import { groupPath } from "../../widgets/deviceModel";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";

const words = devicesText.bulk;
const KEEP = "keep";
const NONE = "none";

interface BulkEditProps {
  readonly ids: readonly string[];
  readonly purposes: readonly DevicePurpose[];
  readonly groups: readonly Group[];
  readonly onClear: () => void;
  readonly onChanged: () => void;
}

/** One change for all ticked cameras; what is left as it is stays each camera's own. */
export function BulkEdit({ ids, purposes, groups, onClear, onChanged }: BulkEditProps) {
  const site = useSite();
  const [placeMode, setPlaceMode] = useState(KEEP);
  const [place, setPlace] = useState("");
  const [purpose, setPurpose] = useState(KEEP);
  const [group, setGroup] = useState(KEEP);
  const [audio, setAudio] = useState(KEEP);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const change: ChannelChange = {
    ...(placeMode === KEEP ? {} : { place: placeMode === NONE || place.trim() === "" ? null : place.trim() }),
    ...(purpose === KEEP ? {} : { purpose: purpose === NONE ? null : purpose }),
    ...(group === KEEP ? {} : { group_id: group === NONE ? null : group }),
    ...(audio === KEEP ? {} : { audio: audio === "on" }),
  };
  const isNothing = Object.keys(change).length === 0;
  const apply = async () => {
    setBusy(true);
    setProblem(null);
    const answer = await devicesApi.editChannels(ids, change);
    setBusy(false);
    if (answer.ok) {
      site.say(words.done(answer.value.changed));
      onChanged();
      onClear();
    } else setProblem(answer.problem);
  };
  const choice = (options: readonly { readonly id: string; readonly title: string }[]) => [
    { value: KEEP, words: words.keep },
    { value: NONE, words: words.none },
    ...options.map((one) => ({ value: one.id, words: one.title })),
  ];
  return (
    <form
      className="box bulk"
      data-testid="bulk"
      aria-label={words.title}
      onSubmit={(event) => {
        event.preventDefault();
        void apply();
      }}
    >
      <div className="toolbar">
        <h2 role="status">{devicesText.selected(ids.length)}</h2>
        <Button kind="quiet" onClick={onClear}>
          {devicesText.clear}
        </Button>
      </div>
      {!site.can("camera.edit") && <p className="hint">{en.problem.denied("camera.edit")}</p>}
      <div className="two">
        <SelectField
          label={words.place}
          value={placeMode}
          options={[
            { value: KEEP, words: words.keep },
            { value: NONE, words: words.none },
            { value: "set", words: words.set },
          ]}
          onChange={setPlaceMode}
          testId="bulk-place-mode"
        />
        {placeMode === "set" && (
          <Field label={words.newPlace} value={place} onChange={setPlace} testId="bulk-place" />
        )}
        <SelectField
          label={words.purpose}
          value={purpose}
          options={choice(purposes)}
          onChange={setPurpose}
          testId="bulk-purpose"
        />
        <SelectField
          label={words.group}
          value={group}
          options={choice(groups.map((one) => ({ id: one.id, title: groupPath(groups, one.id) })))}
          onChange={setGroup}
          testId="bulk-group"
        />
        <SelectField
          label={words.audio}
          value={audio}
          options={[
            { value: KEEP, words: words.keep },
            { value: "on", words: words.audioOn },
            { value: "off", words: words.audioOff },
          ]}
          onChange={setAudio}
        />
      </div>
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <div className="group">
        <Button
          kind="primary"
          type="submit"
          disabled={isBusy || isNothing || !site.can("camera.edit")}
          testId="bulk-apply"
        >
          {words.apply(ids.length)}
        </Button>
      </div>
    </form>
  );
}
