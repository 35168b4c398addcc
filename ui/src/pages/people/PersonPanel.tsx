import { useState } from "react";
import { people, type Invitation, type Person, type SessionLine } from "../../api/people";
import type { Problem, Result } from "../../api/result";
import { Button, Skeleton } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { accountText, peopleText as words, sightText } from "../../text/people";
import { ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { RoleChecks } from "../../widgets/RoleChecks";
import { useAsked, useSite } from "../../widgets/site";
import { Grants } from "./Grants";
import { InvitationDialog } from "./PeoplePage";
import { SightDialog } from "./SightDialog";

interface PersonPanelProps {
  readonly person: Person;
  readonly onChanged: () => void;
  readonly onBack: () => void;
}

/** One person: roles, roles in places, sessions, and the ways back in. */
export function PersonPanel({ person, onChanged, onBack }: PersonPanelProps) {
  const site = useSite();
  const canManage = site.can("user.manage");
  const [isSight, setSight] = useState(false);
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const act = async <T,>(work: Promise<Result<T>>, said: string): Promise<T | null> => {
    const answer = await work;
    setProblem(answer.ok ? null : answer.problem);
    if (!answer.ok) return null;
    if (said !== "") site.say(said);
    onChanged();
    return answer.value;
  };
  const isOut = person.disabled_us !== null;
  return (
    <section className="page" aria-label={person.name}>
      <div className="toolbar">
        <Button kind="quiet" onClick={onBack} testId="people-back">
          ← {words.back}
        </Button>
        <h1>{person.name}</h1>
        <Button onClick={() => setSight(true)} testId="see-as">
          {sightText.button}
        </Button>
      </div>
      {problem !== null && (
        <p className="field-error" role="alert" data-testid="person-problem">
          {problemWords(problem)}
        </p>
      )}
      <RolesForm
        person={person}
        disabled={!canManage}
        onSave={(roles) => void act(people.change(person.id, { roles }), words.saved(person.name))}
      />
      <Grants person={person} canManage={canManage} />
      <Sessions person={person} canManage={canManage} />
      <div className="actions">
        <Action hint={words.shutOutHint}>
          <Button
            kind={isOut ? "plain" : "danger"}
            disabled={!canManage}
            onClick={() =>
              void act(
                people.change(person.id, { disabled: !isOut }),
                isOut ? words.letInSaid(person.name) : words.shut(person.name),
              )
            }
            testId="shut-out"
          >
            {isOut ? words.letIn : words.shutOut}
          </Button>
        </Action>
        <Action hint={words.reinviteHint}>
          <Button
            disabled={!canManage}
            onClick={() => void act(people.inviteAgain(person.id), "").then(setInvitation)}
            testId="reinvite"
          >
            {words.reinvite}
          </Button>
        </Action>
        {(person.second_factor.totp || person.second_factor.passkeys > 0) && (
          <Action hint={words.dropFactorsHint}>
            <Button
              disabled={!canManage}
              onClick={() => void act(people.dropFactors(person.id), words.dropped(person.name))}
              testId="drop-factors"
            >
              {words.dropFactors}
            </Button>
          </Action>
        )}
      </div>
      {isSight && <SightDialog person={person} onClose={() => setSight(false)} />}
      {invitation !== null && (
        <InvitationDialog name={person.name} invitation={invitation} onClose={() => setInvitation(null)} />
      )}
    </section>
  );
}

function Action({ hint, children }: { readonly hint: string; readonly children: React.ReactNode }) {
  return (
    <div className="action">
      {children}
      <p className="hint">{hint}</p>
    </div>
  );
}

interface RolesFormProps {
  readonly person: Person;
  readonly disabled: boolean;
  readonly onSave: (roles: readonly string[]) => void;
}

function RolesForm({ person, disabled, onSave }: RolesFormProps) {
  const [roles, setRoles] = useState(person.roles);
  const isSame = [...roles].sort().join() === [...person.roles].sort().join();
  return (
    <form
      className="panel"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(roles);
      }}
    >
      <RoleChecks chosen={roles} onChange={setRoles} disabled={disabled} />
      <div>
        <Button kind="primary" type="submit" disabled={disabled || isSame} testId="save-roles">
          {words.save}
        </Button>
      </div>
    </form>
  );
}

function Sessions({ person, canManage }: { readonly person: Person; readonly canManage: boolean }) {
  const site = useSite();
  const asked = useAsked(
    (signal) => people.sessions(person.id, signal),
    `sessions ${person.id}`,
    canManage ? 15_000 : null,
  );
  if (!canManage) return null;
  const end = async (line: SessionLine) => {
    const answer = await people.endSession(person.id, line.id);
    if (answer.ok) site.say(accountText.sessionEnded);
    asked.refresh();
  };
  return (
    <section className="panel" aria-label={accountText.sessionsTitle}>
      <h2>{words.columns.sessions}</h2>
      {asked.value === null && asked.problem === null && <Skeleton rows={2} label={en.common.loading} />}
      {asked.value === null && asked.problem !== null && (
        <ProblemBox problem={asked.problem} onRetry={asked.refresh} />
      )}
      {asked.value?.length === 0 && <p className="hint">{words.none}</p>}
      <ul className="lines">
        {asked.value?.map((line) => (
          <li key={line.id}>
            <span>
              <span className="mono">{line.from_where}</span>{" "}
              <span className="hint">{accountText.seen(momentText(line.seen_us, site.zone))}</span>
            </span>
            <Button kind="quiet" onClick={() => void end(line)} testId="end-session">
              {accountText.sessionEnd}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
