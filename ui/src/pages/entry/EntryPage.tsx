import { useState, type ReactNode } from "react";
import { client } from "../../api/client";
import type { Problem } from "../../api/result";
import { Button, Field } from "../../kit/parts";
import { en } from "../../text/en";
import { entryText } from "../../text/people";
import { hasPasskeys } from "../../widgets/passkey";
import { problemWords } from "../../widgets/ProblemBox";
import { PasskeySignIn } from "./PasskeySignIn";

interface EntryProps {
  readonly siteName: string;
  readonly onDone: () => void;
}

export function EntryFrame({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <main className="entry" id="main">
      <h1>{title}</h1>
      {children}
      <p className="hint">
        <a href={client.authorityAddress} download>
          {en.signIn.authority}
        </a>
        {". "}
        {en.signIn.authorityHint}
      </p>
    </main>
  );
}

export function EntryProblem({ problem }: { readonly problem: Problem | null }) {
  if (problem === null) return null;
  const words =
    problem.kind === "exhausted" && problem.retryAfterS !== null
      ? en.signIn.wait(Math.ceil(problem.retryAfterS))
      : problemWords(problem);
  return (
    <p className="field-error" role="alert" data-testid="entry-problem">
      {words}
    </p>
  );
}

export function SignInPage({ siteName, onDone, isEnded }: EntryProps & { readonly isEnded: boolean }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [code, setCode] = useState<string | null>(null);
  const submit = async () => {
    setBusy(true);
    const answer = await client.signIn(name, password, code?.replaceAll(" ", ""));
    setBusy(false);
    if (answer.ok) {
      onDone();
      return;
    }
    const asksForCode = answer.problem?.more?.["second_factor"] !== undefined;
    if (asksForCode && code === null) {
      setCode("");
      setProblem(null);
    } else setProblem(answer.problem);
  };
  return (
    <EntryFrame title={en.signIn.title(siteName)}>
      {isEnded && (
        <p className="hint" role="status">
          {en.signIn.ended}
        </p>
      )}
      <form
        data-testid="sign-in"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field
          label={en.signIn.name}
          value={name}
          onChange={setName}
          autoComplete="username"
          required
          testId="name"
        />
        <Field
          label={en.signIn.password}
          type="password"
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          required
          testId="password"
        />
        {code !== null && (
          <Field
            label={entryText.code}
            hint={entryText.codeHint}
            value={code}
            onChange={setCode}
            autoComplete="one-time-code"
            required
            testId="second-code"
          />
        )}
        <EntryProblem problem={problem} />
        <Button kind="primary" type="submit" disabled={isBusy} testId="submit">
          {en.signIn.button}
        </Button>
      </form>
      <div className="group">
        {hasPasskeys() && <PasskeySignIn onDone={onDone} />}
        <a className="button button-quiet" href="/join" data-testid="join-link">
          {entryText.joinLink}
        </a>
      </div>
    </EntryFrame>
  );
}

export function SetupPage({ siteName, onDone }: EntryProps) {
  const [code, setCode] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const isDifferent = again !== "" && again !== password;
  const submit = async () => {
    if (password !== again) return;
    setBusy(true);
    const answer = await client.createFirstAdministrator(code.trim(), name.trim(), password);
    setBusy(false);
    if (answer.ok) onDone();
    else setProblem(answer.problem);
  };
  return (
    <EntryFrame title={en.setup.title(siteName)}>
      <p>{en.setup.intro}</p>
      <form
        data-testid="setup"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field
          label={en.setup.code}
          value={code}
          onChange={setCode}
          autoComplete="one-time-code"
          required
          testId="code"
        />
        <Field
          label={en.setup.name}
          value={name}
          onChange={setName}
          autoComplete="username"
          required
          testId="name"
        />
        <Field
          label={en.setup.password}
          type="password"
          value={password}
          onChange={setPassword}
          autoComplete="new-password"
          minLength={12}
          required
          testId="password"
        />
        <Field
          label={en.setup.again}
          type="password"
          value={again}
          onChange={setAgain}
          autoComplete="new-password"
          required
          testId="password-again"
        />
        {isDifferent && (
          <p className="field-error" role="alert">
            {en.setup.differ}
          </p>
        )}
        <EntryProblem problem={problem} />
        <Button kind="primary" type="submit" disabled={isBusy || isDifferent} testId="submit">
          {en.setup.create}
        </Button>
      </form>
    </EntryFrame>
  );
}
