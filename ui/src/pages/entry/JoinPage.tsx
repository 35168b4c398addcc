import { useState } from "react";
import { account } from "../../api/people";
import type { Problem } from "../../api/result";
import { Button, Field } from "../../kit/parts";
import { en } from "../../text/en";
import { entryText as words } from "../../text/people";
import { EntryFrame, EntryProblem } from "./EntryPage";

/** Somebody who was invited chooses a passphrase that nobody else knows. */
export function JoinPage({ siteName, onDone }: { readonly siteName: string; readonly onDone: () => void }) {
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const isDifferent = again !== "" && again !== password;
  const submit = async () => {
    if (again !== password) return;
    const answer = await account.join(code.trim(), password);
    if (answer.ok) onDone();
    else setProblem(answer.problem);
  };
  return (
    <EntryFrame title={words.joinTitle(siteName)}>
      <p>{words.joinIntro}</p>
      <form
        data-testid="join"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field
          label={words.joinCode}
          value={code}
          onChange={setCode}
          autoComplete="one-time-code"
          required
          testId="join-code"
        />
        <Field
          label={en.setup.password}
          type="password"
          value={password}
          onChange={setPassword}
          autoComplete="new-password"
          minLength={12}
          required
          testId="join-password"
        />
        <Field
          label={en.setup.again}
          type="password"
          value={again}
          onChange={setAgain}
          autoComplete="new-password"
          required
          testId="join-again"
        />
        {isDifferent && (
          <p className="field-error" role="alert">
            {en.setup.differ}
          </p>
        )}
        <EntryProblem problem={problem} />
        <Button kind="primary" type="submit" disabled={isDifferent} testId="join-submit">
          {words.joinButton}
        </Button>
      </form>
      <p>
        <a href="/">{words.back}</a>
      </p>
    </EntryFrame>
  );
}
