import { useId, useState } from "react";
import { people, ROLES, type GrantDraft, type Group } from "../../api/people";
import { Button, Field } from "../../kit/parts";
import { typedMoment } from "../../kit/time";
import { en } from "../../text/en";
import { grantText as words, ROLE_WORDS } from "../../text/people";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";
import { profileOf, WeekHours, WORKING_HOURS } from "../../widgets/WeekHours";

interface GrantFormProps {
  readonly personId: string;
  readonly groups: readonly Group[];
  readonly onDone: (given: boolean) => void;
}

/** A role, where it holds, and when. */
export function GrantForm({ personId, groups, onDone }: GrantFormProps) {
  const site = useSite();
  const [role, setRole] = useState("operator");
  const [place, setPlace] = useState("");
  const [isHours, setHours] = useState(false);
  const [hours, setWeekHours] = useState(WORKING_HOURS);
  const [until, setUntil] = useState("");
  const [fault, setFault] = useState("");
  const submit = async () => {
    if (place === "") {
      setFault(words.needsPlace);
      return;
    }
    if (isHours && hours.days.length === 0) {
      setFault(words.needsDay);
      return;
    }
    const [kind, id] = place.split(":") as [string, string];
    const untilUs = typedMoment(until, site.zone);
    const draft: GrantDraft = {
      role,
      ...(kind === "channel" ? { channel_id: id } : { group_id: id }),
      ...(isHours ? { profile: profileOf(hours) } : {}),
      ...(untilUs === null ? {} : { until_us: untilUs }),
    };
    const answer = await people.grant(personId, draft);
    if (answer.ok) onDone(true);
    else if (answer.problem !== null) setFault(problemWords(answer.problem));
  };
  return (
    <form
      className="panel"
      data-testid="grant-form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div className="two">
        <Choice
          label={words.role}
          value={role}
          onChange={setRole}
          testId="grant-role"
          options={ROLES.map((one) => [one, ROLE_WORDS[one] ?? one])}
        />
        <Choice
          label={words.where}
          value={place}
          onChange={setPlace}
          testId="grant-place"
          options={[
            ["", words.choose],
            ...groups.map((one) => [`group:${one.id}`, `${words.group}: ${one.name}`] as const),
            ...(site.channels.value ?? []).map(
              (one) => [`channel:${one.id}`, `${words.camera}: ${one.name}`] as const,
            ),
          ]}
        />
        <Choice
          label={words.when}
          value={isHours ? "hours" : "always"}
          onChange={(value) => setHours(value === "hours")}
          testId="grant-when"
          options={[
            ["always", words.always],
            ["hours", words.inHours],
          ]}
        />
        <Field label={words.until} type="datetime-local" value={until} onChange={setUntil} />
      </div>
      {isHours && <WeekHours hours={hours} onChange={setWeekHours} />}
      {fault !== "" && (
        <p className="field-error" role="alert">
          {fault}
        </p>
      )}
      <div className="group">
        <Button kind="primary" type="submit" testId="grant-give">
          {words.give}
        </Button>
        <Button onClick={() => onDone(false)}>{en.common.cancel}</Button>
      </div>
    </form>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly options: readonly (readonly [string, string])[];
  readonly testId?: string;
}

function Choice({ label, value, onChange, options, testId }: ChoiceProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)} data-testid={testId}>
        {options.map(([key, shown]) => (
          <option key={key} value={key}>
            {shown}
          </option>
        ))}
      </select>
    </div>
  );
}
