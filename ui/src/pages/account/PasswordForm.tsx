import { useState } from "react";
import { account } from "../../api/people";
import { Button, Field } from "../../kit/parts";
import { accountText as words } from "../../text/people";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";

export function PasswordForm() {
  const site = useSite();
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [again, setAgain] = useState("");
  const [fault, setFault] = useState("");
  const isDifferent = again !== "" && again !== fresh;
  const submit = async () => {
    if (fresh !== again) {
      setFault(words.differ);
      return;
    }
    const answer = await account.setPassword(old, fresh);
    if (answer.ok) {
      setOld("");
      setFresh("");
      setAgain("");
      setFault("");
      site.say(words.changed);
    } else if (answer.problem !== null) setFault(problemWords(answer.problem));
  };
  return (
    <form
      className="panel"
      aria-label={words.passwordTitle}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h2>{words.passwordTitle}</h2>
      <input
        className="visually-hidden"
        autoComplete="username"
        readOnly
        tabIndex={-1}
        aria-hidden="true"
        value={site.session.principal.name}
      />
      <div className="two">
        <Field
          label={words.old}
          type="password"
          value={old}
          onChange={setOld}
          autoComplete="current-password"
          required
          testId="old-password"
        />
        <Field
          label={words.fresh}
          type="password"
          value={fresh}
          onChange={setFresh}
          autoComplete="new-password"
          minLength={12}
          required
          testId="new-password"
        />
        <Field
          label={words.again}
          type="password"
          value={again}
          onChange={setAgain}
          autoComplete="new-password"
          required
          testId="new-password-again"
        />
      </div>
      {(fault !== "" || isDifferent) && (
        <p className="field-error" role="alert">
          {isDifferent ? words.differ : fault}
        </p>
      )}
      <div>
        <Button type="submit" disabled={isDifferent} testId="change-password">
          {words.change}
        </Button>
      </div>
    </form>
  );
}
