import { useState } from "react";
import { people, type Invitation, type PermissionRow, type Person } from "../../api/people";
import type { Problem } from "../../api/result";
import { go, useAddress } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Button, Dialog, Field, Skeleton, StateBox } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { peopleText as words, ROLE_WORDS } from "../../text/people";
import { DeniedBox, ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { CopyBox } from "../../widgets/CopyBox";
import { RoleChecks } from "../../widgets/RoleChecks";
import { useAsked, useSite } from "../../widgets/site";
import { PersonPanel } from "./PersonPanel";

/** Who may sign in, and what for; one person at `?person=…`. */
export function PeoplePage() {
  const site = useSite();
  return site.can("user.read") ? <People /> : <DeniedBox permission="user.read" />;
}

function People() {
  const site = useSite();
  const chosen = useAddress().searchParams.get("person");
  const [isInviting, setInviting] = useState(false);
  const asked = useAsked((signal) => people.list(signal), "people", 15_000);
  const person = asked.value?.find((one) => one.id === chosen);
  if (person !== undefined) {
    return (
      <PersonPanel key={person.id} person={person} onChanged={asked.refresh} onBack={() => go("/people")} />
    );
  }
  return (
    <section className="page" aria-label={words.title}>
      <div className="toolbar">
        <h1>{words.title}</h1>
        <Button
          kind="primary"
          onClick={() => setInviting(true)}
          disabled={!site.can("user.manage")}
          label={site.can("user.manage") ? words.invite : en.problem.denied("user.manage")}
          testId="invite"
        >
          {words.invite}
        </Button>
      </div>
      {asked.value === null && asked.problem === null && <Skeleton rows={5} label={en.common.loading} />}
      {asked.value === null && asked.problem !== null && (
        <ProblemBox problem={asked.problem} onRetry={asked.refresh} />
      )}
      {asked.value?.length === 0 && <StateBox title={words.empty} sign="person" />}
      {asked.value !== null && asked.value.length > 0 && <PeopleTable list={asked.value} />}
      <PermissionTable />
      {isInviting && (
        <InviteDialog
          onClose={() => {
            setInviting(false);
            asked.refresh();
          }}
        />
      )}
    </section>
  );
}

function stateOf(person: Person): string {
  if (person.disabled_us !== null) return words.disabled;
  return person.is_invited ? words.invited : words.active;
}

function factorsOf(person: Person): string {
  const { totp, passkeys } = person.second_factor;
  const found = [totp ? words.totp : "", passkeys > 0 ? words.passkeys(passkeys) : ""].filter(Boolean);
  return found.length === 0 ? words.none : found.join(", ");
}

function PeopleTable({ list }: { readonly list: readonly Person[] }) {
  const { columns } = words;
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={words.title}>
      <table data-testid="people">
        <thead>
          <tr>
            {[columns.name, columns.roles, columns.factors].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
            <th scope="col" className="number">
              {columns.sessions}
            </th>
            <th scope="col">{columns.state}</th>
          </tr>
        </thead>
        <tbody>
          {list.map((person) => (
            <tr key={person.id} data-testid="person-row">
              <td>
                <Button
                  kind="quiet"
                  onClick={() => go(`/people?person=${encodeURIComponent(person.id)}`)}
                  testId={`person-${person.name}`}
                >
                  {person.name}
                </Button>
              </td>
              <td>{person.roles.map((role) => ROLE_WORDS[role] ?? role).join(", ") || words.none}</td>
              <td>{factorsOf(person)}</td>
              <td className="number">{person.sessions}</td>
              <td>
                <Icon name={person.disabled_us === null ? "check" : "denied"} /> {stateOf(person)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function InviteDialog({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState("");
  const [roles, setRoles] = useState<readonly string[]>(["operator"]);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [made, setMade] = useState<Invitation | null>(null);
  const submit = async () => {
    const answer = await people.invite(name.trim(), roles);
    if (answer.ok) setMade(answer.value.invitation);
    else setProblem(answer.problem);
  };
  if (made !== null) return <InvitationDialog name={name} invitation={made} onClose={onClose} />;
  return (
    <Dialog title={words.inviteTitle} closeLabel={en.common.close} onClose={onClose} testId="invite-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p className="hint">{words.inviteHint}</p>
        <Field label={words.name} value={name} onChange={setName} required testId="invite-name" />
        <RoleChecks chosen={roles} onChange={setRoles} hint={words.noRoleHint} />
        {problem !== null && (
          <p className="field-error" role="alert">
            {problemWords(problem)}
          </p>
        )}
        <div className="dialog-foot">
          <Button onClick={onClose}>{en.common.cancel}</Button>
          <Button kind="primary" type="submit" testId="invite-make">
            {words.make}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The code, shown this once. */
export function InvitationDialog({
  name,
  invitation,
  onClose,
}: {
  readonly name: string;
  readonly invitation: Invitation;
  readonly onClose: () => void;
}) {
  const { zone } = useSite();
  return (
    <Dialog title={words.codeTitle(name)} closeLabel={en.common.close} onClose={onClose} testId="code-dialog">
      <p>{words.codeHint(`${location.origin}/join`)}</p>
      <CopyBox text={invitation.code} testId="invitation-code" />
      <p className="hint">{words.expires(momentText(invitation.expires_us, zone))}</p>
      <div className="dialog-foot">
        <Button kind="primary" onClick={onClose} testId="code-done">
          {words.done}
        </Button>
      </div>
    </Dialog>
  );
}

function PermissionTable() {
  const asked = useAsked((signal) => people.permissions(signal), "permissions", null);
  if (asked.value === null) return null;
  const roles = Object.keys(ROLE_WORDS);
  return (
    <details className="removed">
      <summary>{words.permissionsTitle}</summary>
      <div className="table-box" tabIndex={0} role="region" aria-label={words.permissionsTitle}>
        <table data-testid="permissions">
          <thead>
            <tr>
              <th scope="col">{words.permission}</th>
              {roles.map((role) => (
                <th key={role} scope="col">
                  {ROLE_WORDS[role]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {asked.value.map((row) => (
              <PermissionLine key={row.permission} row={row} roles={roles} />
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function PermissionLine({ row, roles }: { readonly row: PermissionRow; readonly roles: readonly string[] }) {
  return (
    <tr>
      <th scope="row">
        {row.words} <span className="mono hint">{row.permission}</span>
      </th>
      {roles.map((role) => (
        <td key={role}>
          {row.roles.includes(role) ? (
            <>
              <Icon name="check" /> <span className="visually-hidden">{words.yes}</span>
            </>
          ) : (
            <span className="visually-hidden">{words.no}</span>
          )}
        </td>
      ))}
    </tr>
  );
}
