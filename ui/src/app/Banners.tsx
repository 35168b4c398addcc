import { useState } from "react";
import { siteApi, type Vault } from "../api/site";
import type { Problem } from "../api/result";
import { go } from "../kit/address";
import { Icon } from "../kit/icons";
import { Button, Dialog, Field } from "../kit/parts";
import { momentText } from "../kit/time";
import { en } from "../text/en";
import { firstRunText } from "../text/firstrun";
import { vaultText as words } from "../text/site";
import { resumeFirstRun } from "../widgets/firstRun";
import { problemWords } from "../widgets/ProblemBox";
import { useAsked, useSite } from "../widgets/site";

const VAULT_EVERY_MS = 10_000;

/** Above every page while the vault is locked: what waits for it, and the way to open it. */
export function VaultBanner() {
  const { can } = useSite();
  return can("system.read") ? <AskedVault /> : null;
}

function AskedVault() {
  const site = useSite();
  const asked = useAsked((signal) => siteApi.vault(signal), "vault", VAULT_EVERY_MS);
  const [isOpen, setOpen] = useState(false);
  if (asked.value?.state !== "locked") return null;
  const { value, refresh } = asked;
  const since = value.since_us === null ? en.common.none : momentText(value.since_us, site.zone);
  return (
    <div className="banner banner-warning" role="alert" data-testid="vault-banner">
      <p>
        <Icon name="lock" /> {words.lockedLong(since)}
      </p>
      {site.can("system.manage") ? (
        <Button kind="primary" onClick={() => setOpen(true)} testId="vault-unlock">
          {words.unlock}
        </Button>
      ) : (
        <span className="hint">{words.askAdministrator}</span>
      )}
      {isOpen && (
        <UnlockDialog
          vault={value}
          onClose={() => setOpen(false)}
          onOpened={() => {
            setOpen(false);
            site.say(words.unlocked);
            refresh();
          }}
        />
      )}
    </div>
  );
}

interface UnlockDialogProps {
  readonly vault: Vault;
  readonly onClose: () => void;
  readonly onOpened: () => void;
}

function UnlockDialog({ vault, onClose, onOpened }: UnlockDialogProps) {
  const [passphrase, setPassphrase] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const unlock = async () => {
    setBusy(true);
    setProblem(null);
    const answer = await siteApi.unlockVault(passphrase);
    setBusy(false);
    if (answer.ok) onOpened();
    else {
      setProblem(answer.problem);
      setPassphrase("");
    }
  };
  return (
    <Dialog title={words.title} closeLabel={en.common.close} onClose={onClose} testId="vault-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void unlock();
        }}
      >
        <p className="hint">{vault.kind === "pkcs11" ? words.module : words.hint}</p>
        <Field
          label={words.passphrase}
          type="password"
          autoComplete="off"
          value={passphrase}
          onChange={setPassphrase}
          required
          testId="vault-word"
        />
        {problem !== null && (
          <p className="field-error" role="alert">
            {problem.kind === "exhausted" && problem.retryAfterS !== null
              ? en.signIn.wait(Math.ceil(problem.retryAfterS))
              : problemWords(problem)}
          </p>
        )}
        <div className="dialog-foot">
          <Button onClick={onClose}>{en.common.cancel}</Button>
          <Button kind="primary" type="submit" disabled={isBusy || passphrase === ""} testId="vault-open">
            {words.unlock}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The wizard was put off: the way back to it, and the way out of it. */
export function FirstRunBanner() {
  const site = useSite();
  const dismiss = async () => {
    const answer = await siteApi.finishFirstRun();
    if (answer.ok) site.say(firstRunText.dismissed);
    else if (answer.problem !== null) site.say(problemWords(answer.problem));
    site.reload();
  };
  return (
    <div className="banner" role="status" data-testid="first-run-banner">
      <p>
        <Icon name="ring" /> {firstRunText.unfinished}
      </p>
      <Button
        kind="primary"
        onClick={() => {
          resumeFirstRun();
          go("/first-run");
        }}
        testId="first-run-resume"
      >
        {firstRunText.resume}
      </Button>
      <Button kind="quiet" onClick={() => void dismiss()} testId="first-run-dismiss">
        {firstRunText.dismiss}
      </Button>
    </div>
  );
}
