import { useState } from "react";
import type { Problem } from "../api/result";
import { Button, Dialog, Field } from "../kit/parts";
import { en } from "../text/en";
import { accountText as words } from "../text/people";
import { problemWords } from "./ProblemBox";

interface PasswordDialogProps {
  /** Does what the passphrase is asked for; the problem, or null when it is done. */
  readonly onPassword: (password: string) => Promise<Problem | null>;
  readonly onClose: () => void;
}

/** The passphrase again, before anything about signing in changes. */
export function PasswordDialog({ onPassword, onClose }: PasswordDialogProps) {
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    const found = await onPassword(password);
    setBusy(false);
    setProblem(found);
  };
  return (
    <Dialog
      title={words.confirmTitle}
      closeLabel={en.common.close}
      onClose={onClose}
      testId="password-dialog"
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p className="hint">{words.confirmHint}</p>
        <Field
          label={words.old}
          type="password"
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          required
          testId="confirm-password"
        />
        {problem !== null && (
          <p className="field-error" role="alert">
            {problemWords(problem)}
          </p>
        )}
        <div className="dialog-foot">
          <Button onClick={onClose}>{en.common.cancel}</Button>
          <Button kind="primary" type="submit" disabled={isBusy} testId="confirm">
            {words.confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
