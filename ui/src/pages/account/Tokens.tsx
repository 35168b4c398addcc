import { useState } from "react";
import { serverClock } from "../../api/client";
import { account } from "../../api/people";
import { Button, Field, Skeleton } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { accountText as words } from "../../text/people";
import { CopyBox } from "../../widgets/CopyBox";
import { problemWords } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";

const DAY_US = 86_400_000_000;
/** What no token may ever do; the server refuses it too. */
const NEVER: ReadonlySet<string> = new Set(["user.manage", "token.manage", "privacy.manage"]);

export function Tokens() {
  const site = useSite();
  const asked = useAsked((signal) => account.tokens(signal), "tokens", null);
  const [made, setMade] = useState<string | null>(null);
  const end = async (id: string) => {
    const answer = await account.endToken(id);
    if (answer.ok) site.say(words.tokenEnded);
    asked.refresh();
  };
  return (
    <section className="panel" aria-label={words.tokensTitle}>
      <h2>{words.tokensTitle}</h2>
      <p className="hint">{words.tokensHint}</p>
      {asked.value === null && <Skeleton rows={1} label={en.common.loading} />}
      {asked.value?.length === 0 && <p className="hint">{words.tokensEmpty}</p>}
      <ul className="lines" data-testid="tokens">
        {asked.value?.map((token) => (
          <li key={token.id}>
            <span>
              {token.name}{" "}
              <span className="hint">
                {token.permissions.join(", ")}; {words.tokenExpires(momentText(token.expires_us, site.zone))};{" "}
                {words.used(token.used_us === null ? null : momentText(token.used_us, site.zone))}
              </span>
            </span>
            <Button kind="quiet" onClick={() => void end(token.id)}>
              {words.tokenEnd}
            </Button>
          </li>
        ))}
      </ul>
      {made !== null && (
        <>
          <p>{words.tokenOnce}</p>
          <CopyBox text={made} testId="token" />
        </>
      )}
      <TokenForm
        onMade={(token) => {
          setMade(token);
          asked.refresh();
        }}
      />
    </section>
  );
}

function TokenForm({ onMade }: { readonly onMade: (token: string) => void }) {
  const { session } = useSite();
  const offered = session.permissions.filter((one) => !NEVER.has(one));
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [fault, setFault] = useState("");
  const submit = async () => {
    if (chosen.length === 0) {
      setFault(words.needsPermission);
      return;
    }
    const expiresUs = Math.round(serverClock.nowUs() + Number(days) * DAY_US);
    const answer = await account.makeToken(name.trim(), chosen, expiresUs);
    if (answer.ok) {
      setName("");
      setChosen([]);
      setFault("");
      onMade(answer.value.token);
    } else if (answer.problem !== null) setFault(problemWords(answer.problem));
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <div className="two">
        <Field label={words.tokenName} value={name} onChange={setName} required testId="token-name" />
        <Field label={words.tokenDays} type="number" value={days} onChange={setDays} required />
      </div>
      <fieldset className="checks">
        <legend>{words.tokenMay}</legend>
        {offered.map((permission) => (
          <label key={permission} className="check">
            <input
              type="checkbox"
              checked={chosen.includes(permission)}
              onChange={(event) =>
                setChosen(
                  event.target.checked ? [...chosen, permission] : chosen.filter((one) => one !== permission),
                )
              }
              data-testid={`token-${permission}`}
            />
            <span className="mono">{permission}</span>
          </label>
        ))}
      </fieldset>
      {fault !== "" && (
        <p className="field-error" role="alert">
          {fault}
        </p>
      )}
      <Button type="submit" testId="token-make">
        {words.tokenMake}
      </Button>
    </form>
  );
}
