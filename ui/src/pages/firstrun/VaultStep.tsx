import { useState } from "react";
import { siteApi } from "../../api/site";
import type { Problem } from "../../api/result";
import { Icon } from "../../kit/icons";
import { Button, Field } from "../../kit/parts";
import { firstRunText } from "../../text/firstrun";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";
import { LEAST, rulesOf, type RuleName } from "./passphraseModel";
import { StepForm } from "./SiteSteps";
import type { StepProps } from "./FirstRunPage";

const words = firstRunText.vault;
const RULES: Readonly<Record<RuleName, string>> = {
  length: words.ruleLength(LEAST),
  variety: words.ruleVariety,
  own: words.ruleOwn,
  again: words.ruleAgain,
};

/** A passphrase for the vault, or none with its consequence said. */
export function VaultStep({ vault, onNext, onSaved }: StepProps) {
  const site = useSite();
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  if (vault === null || vault.kind !== "file") {
    const why = vault === null ? words.unavailable : vault.kind === "pkcs11" ? words.module : words.already;
    return (
      <StepForm title={words.title} why={words.why} onSubmit={onNext}>
        <p role="status">
          <Icon name="lock" /> {why}
        </p>
      </StepForm>
    );
  }
  const rules = rulesOf(passphrase, again, site.session.site.name);
  const set = async () => {
    setBusy(true);
    setProblem(null);
    const answer = await siteApi.setVaultPassphrase(passphrase, null);
    setBusy(false);
    if (answer.ok) {
      site.say(words.done);
      onNext();
      onSaved();
    } else setProblem(answer.problem);
  };
  return (
    <>
      <StepForm
        title={words.title}
        why={words.why}
        isBusy={isBusy}
        isReady={rules.every(([, isGood]) => isGood)}
        problem={problem === null ? undefined : problemWords(problem)}
        button={words.set}
        onSubmit={() => void set()}
      >
        <Field
          label={words.label}
          hint={words.strengthWhy}
          type="password"
          autoComplete="new-password"
          value={passphrase}
          onChange={setPassphrase}
          required
          testId="vault-passphrase"
        />
        <Field
          label={words.again}
          type="password"
          autoComplete="new-password"
          value={again}
          onChange={setAgain}
          required
          testId="vault-again"
        />
        <p>{words.rules}</p>
        <ul className="rules" aria-live="polite">
          {rules.map(([name, isGood]) => (
            <li key={name} className={isGood ? "verdict is-good" : undefined} data-good={isGood}>
              <Icon name={isGood ? "check" : "ring"} /> {RULES[name]}
              <span className="visually-hidden">: {isGood ? words.fulfilled : words.open}</span>
            </li>
          ))}
        </ul>
      </StepForm>
      <div className="box">
        <p>{words.withoutWhy}</p>
        <Button onClick={onNext} testId="vault-without">
          {words.without}
        </Button>
      </div>
    </>
  );
}
