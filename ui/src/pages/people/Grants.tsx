import { useState } from "react";
import { people, type Group, type Person, type RoleGrant } from "../../api/people";
import type { Problem } from "../../api/result";
import type { Channel } from "../../api/types";
import { Button, Skeleton } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { grantText as words, ROLE_WORDS, WEEKDAYS } from "../../text/people";
import { problemWords } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";
import { GrantForm } from "./GrantForm";

/** The roles a person holds on single cameras or groups, and giving more. */
export function Grants({ person, canManage }: { readonly person: Person; readonly canManage: boolean }) {
  const site = useSite();
  const [isAdding, setAdding] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const asked = useAsked((signal) => people.grants(person.id, signal), `grants ${person.id}`, null);
  const groups = useAsked((signal) => people.groups(signal), "groups", null);
  const end = async (grant: RoleGrant) => {
    const answer = await people.endGrant(person.id, grant.id);
    setProblem(answer.ok ? null : answer.problem);
    if (answer.ok) site.say(words.ended);
    asked.refresh();
  };
  const scoped = asked.value?.filter((one) => one.channel_id !== null || one.group_id !== null) ?? [];
  return (
    <section className="panel" aria-label={words.title}>
      <h2>{words.title}</h2>
      <p className="hint">{words.hint}</p>
      {asked.value === null && asked.problem === null && <Skeleton rows={2} label={en.common.loading} />}
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      {asked.value !== null && scoped.length === 0 && <p className="hint">{words.empty}</p>}
      <ul className="lines" data-testid="grants">
        {scoped.map((grant) => (
          <li key={grant.id}>
            <span>{grantWords(grant, site.channels.value ?? [], groups.value ?? [], site.zone)}</span>
            <Button kind="quiet" disabled={!canManage} onClick={() => void end(grant)} testId="end-grant">
              {words.end}
            </Button>
          </li>
        ))}
      </ul>
      {!isAdding && (
        <div>
          <Button disabled={!canManage} onClick={() => setAdding(true)} testId="add-grant">
            {words.add}
          </Button>
        </div>
      )}
      {isAdding && (
        <GrantForm
          personId={person.id}
          groups={groups.value ?? []}
          onDone={(given) => {
            setAdding(false);
            if (given) site.say(words.given);
            asked.refresh();
          }}
        />
      )}
    </section>
  );
}

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}

function grantWords(
  grant: RoleGrant,
  channels: readonly Channel[],
  groups: readonly Group[],
  zone: string,
): string {
  const place =
    channels.find((one) => one.id === grant.channel_id)?.name ??
    groups.find((one) => one.id === grant.group_id)?.name ??
    words.gone;
  const hours = (grant.profile?.spans ?? []).map(
    (span) =>
      `${(WEEKDAYS[span.weekday] ?? "").slice(0, 3)} ${clock(span.from_minute)}–${clock(span.to_minute)}`,
  );
  const until = grant.until_us === null ? [] : [words.untilWords(momentText(grant.until_us, zone))];
  return [`${ROLE_WORDS[grant.role] ?? grant.role}: ${place}`, ...hours, ...until].join(", ");
}
