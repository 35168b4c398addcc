import { useState } from "react";
import { client } from "../../api/client";
import { account, type TotpDraft } from "../../api/people";
import type { Problem } from "../../api/result";
import { Button, Field } from "../../kit/parts";
import { accountText as words } from "../../text/people";
import { CopyBox } from "../../widgets/CopyBox";
import { PasswordDialog } from "../../widgets/PasswordDialog";
import { problemWords } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";

type Asking = "begin" | "remove" | null;

/** The code app: set up with a proof, recovery codes shown once, taken off with the passphrase. */
export function Totp() {
  const site = useSite();
  const asked = useAsked((signal) => client.session(signal), "own factors", null);
  const factor = (asked.value ?? site.session).second_factor;
  const [asking, setAsking] = useState<Asking>(null);
  const [draft, setDraft] = useState<TotpDraft | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const begin = async (password: string): Promise<Problem | null> => {
    const answer = await account.beginTotp(password);
    if (!answer.ok) return answer.problem;
    setDraft(answer.value);
    setAsking(null);
    return null;
  };
  const remove = async (password: string): Promise<Problem | null> => {
    const answer = await account.removeTotp(password);
    if (!answer.ok) return answer.problem;
    site.say(words.totpRemoved);
    setAsking(null);
    asked.refresh();
    return null;
  };
  return (
    <section className="panel" aria-label={words.totpTitle}>
      <h2>{words.totpTitle}</h2>
      <p data-testid="totp-state">
        {factor?.totp === true ? words.totpOn(factor.recovery_left) : words.totpOff}
      </p>
      {draft === null && codes === null && (
        <div>
          <Button onClick={() => setAsking(factor?.totp === true ? "remove" : "begin")} testId="totp-change">
            {factor?.totp === true ? words.totpRemove : words.totpBegin}
          </Button>
        </div>
      )}
      {draft !== null && (
        <Enrol
          draft={draft}
          onDone={(found) => {
            setDraft(null);
            setCodes(found);
            asked.refresh();
          }}
        />
      )}
      {codes !== null && (
        <div data-testid="recovery">
          <h3>{words.recoveryTitle}</h3>
          <p className="hint">{words.recoveryHint}</p>
          <CopyBox text={codes.join("\n")} testId="recovery-codes" />
          <Button kind="primary" onClick={() => setCodes(null)} testId="recovery-kept">
            {words.recoveryKept}
          </Button>
        </div>
      )}
      {asking !== null && (
        <PasswordDialog onPassword={asking === "begin" ? begin : remove} onClose={() => setAsking(null)} />
      )}
    </section>
  );
}

function Enrol({
  draft,
  onDone,
}: {
  readonly draft: TotpDraft;
  readonly onDone: (codes: readonly string[]) => void;
}) {
  const [code, setCode] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async () => {
    const answer = await account.confirmTotp(code.replaceAll(" ", ""));
    if (answer.ok) onDone(answer.value.recovery_codes);
    else setProblem(answer.problem);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <p>{words.totpScan}</p>
      {draft.qr_svg != null && (
        <img className="qr" alt="" src={`data:image/svg+xml;base64,${btoa(draft.qr_svg)}`} />
      )}
      <p className="hint">{words.totpSecret}</p>
      <CopyBox text={draft.secret} testId="totp-secret" />
      <p>
        <a href={draft.uri}>{words.totpOpen}</a>
      </p>
      <Field
        label={words.totpCode}
        value={code}
        onChange={setCode}
        autoComplete="one-time-code"
        required
        testId="totp-code"
      />
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <Button kind="primary" type="submit" testId="totp-confirm">
        {words.totpConfirm}
      </Button>
    </form>
  );
}
