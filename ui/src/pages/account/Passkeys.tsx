import { useState } from "react";
import { account, type Passkey } from "../../api/people";
import type { Problem } from "../../api/result";
import { Button, Field, Skeleton } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { accountText as words } from "../../text/people";
import { createPasskey, hasPasskeys } from "../../widgets/passkey";
import { PasswordDialog } from "../../widgets/PasswordDialog";
import { problemWords } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";

export function Passkeys() {
  const site = useSite();
  const isPossible = site.session.passkeys_possible === true;
  return (
    <section className="panel" aria-label={words.passkeysTitle}>
      <h2>{words.passkeysTitle}</h2>
      <p className="hint">{words.passkeysHint}</p>
      {!isPossible && <p>{words.passkeysImpossible}</p>}
      {isPossible && !hasPasskeys() && <p>{words.passkeysUnsupported}</p>}
      {isPossible && hasPasskeys() && <PasskeyList />}
    </section>
  );
}

function PasskeyList() {
  const site = useSite();
  const [name, setName] = useState("");
  const [isAsking, setAsking] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const asked = useAsked((signal) => account.passkeys(signal), "passkeys", null);
  const add = async (password: string): Promise<Problem | null> => {
    const begun = await account.beginPasskey(password);
    if (!begun.ok) return begun.problem;
    setAsking(false);
    const credential = await createPasskey(begun.value.options);
    if (credential === null) {
      site.say(words.passkeyCancelled);
      return null;
    }
    const answer = await account.addPasskey(begun.value.ticket, name.trim(), credential);
    setProblem(answer.ok ? null : answer.problem);
    if (answer.ok) {
      site.say(words.passkeyAdded);
      setName("");
      asked.refresh();
    }
    return null;
  };
  const remove = async (passkey: Passkey) => {
    const answer = await account.removePasskey(passkey.id);
    setProblem(answer.ok ? null : answer.problem);
    if (answer.ok) site.say(words.passkeyRemoved);
    asked.refresh();
  };
  const moment = (atUs: number | null) => (atUs === null ? null : momentText(atUs, site.zone));
  return (
    <>
      {asked.value === null && <Skeleton rows={1} label={en.common.loading} />}
      <ul className="lines" data-testid="passkeys">
        {asked.value?.map((one) => (
          <li key={one.id}>
            <span>
              {one.name}{" "}
              <span className="hint">
                {words.added(moment(one.added_us) ?? "")}, {words.used(moment(one.used_us))}
              </span>
            </span>
            <Button kind="quiet" onClick={() => void remove(one)}>
              {words.passkeyRemove}
            </Button>
          </li>
        ))}
      </ul>
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setAsking(true);
        }}
      >
        <Field label={words.passkeyName} value={name} onChange={setName} required testId="passkey-name" />
        <div className="group">
          <Button type="submit" testId="passkey-add">
            {words.passkeyAdd}
          </Button>
        </div>
      </form>
      {isAsking && <PasswordDialog onPassword={add} onClose={() => setAsking(false)} />}
    </>
  );
}
