import { useEffect, useRef, useState } from "react";
import { siteApi, type SettingsPage, type Vault } from "../../api/site";
import { go } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Button, Skeleton } from "../../kit/parts";
import { en } from "../../text/en";
import { firstRunText as words } from "../../text/firstrun";
import { DeniedBox, ProblemBox } from "../../widgets/ProblemBox";
import { leaveFirstRun } from "../../widgets/firstRun";
import { useAsked, useSite } from "../../widgets/site";
import { CamerasStep } from "./CamerasStep";
import { FinishStep } from "./FinishStep";
import { HostStep, LawStep, NameStep, ZoneStep } from "./SiteSteps";
import { VaultStep } from "./VaultStep";
import "./firstrun.css";

const STEPS = ["name", "zone", "law", "host", "vault", "cameras", "finish"] as const;
type StepName = (typeof STEPS)[number];

const KEPT = "civiscope.firstrun.step";

function keptStep(): StepName {
  return STEPS.find((one) => one === localStorage.getItem(KEPT)) ?? "name";
}

/** What each step is given. */
export interface StepProps {
  readonly page: SettingsPage;
  readonly vault: Vault | null;
  readonly onNext: () => void;
  /** The site's page of settings was saved. */
  readonly onSaved: (page?: SettingsPage) => void;
}

/** The wizard: one decision a screen; every step can be skipped, and the way goes on where it was left. */
export function FirstRunPage() {
  const { can } = useSite();
  return (
    <div className="wizard">
      {can("system.manage") ? <Wizard /> : <DeniedBox permission="system.manage" />}
    </div>
  );
}

function Wizard() {
  const site = useSite();
  const [step, setStep] = useState(keptStep);
  const settings = useAsked((signal) => siteApi.settings(signal), "settings", null);
  const vault = useAsked((signal) => siteApi.vault(signal), "vault", null);
  const heading = useRef<HTMLDivElement>(null);
  const index = STEPS.indexOf(step);
  const isReady = settings.value !== null;
  const to = (next: number) => {
    const name = STEPS[Math.max(0, Math.min(STEPS.length - 1, next))] ?? "name";
    localStorage.setItem(KEPT, name);
    setStep(name);
  };
  useEffect(() => {
    // Each screen begins at its first field; screens without one at their title.
    const found = (wanted: string) => heading.current?.querySelector<HTMLElement>(wanted);
    (found("input, select") ?? found("h1"))?.focus();
  }, [step, isReady]);
  // What was just saved counts at once: the next step must not write older values back.
  const [saved, setSaved] = useState<SettingsPage | null>(null);
  const page = saved ?? settings.value?.find((one) => one.name === "site") ?? null;
  const leave = () => {
    leaveFirstRun();
    go("/live");
  };
  return (
    <main className="wizard-main" id="main" data-testid="wizard" data-step={step}>
      <header className="wizard-head">
        <strong>{site.session.site.name}</strong>
        <Button kind="quiet" onClick={leave} testId="wizard-leave">
          {words.leave}
        </Button>
      </header>
      <nav aria-label={words.steps}>
        <p role="status" className="hint">
          {words.step(index + 1, STEPS.length, words.names[step])}
        </p>
        <ol className="wizard-steps">
          {STEPS.map((one, at) => (
            <li key={one} aria-current={one === step ? "step" : undefined}>
              <button type="button" className="wizard-step" onClick={() => to(at)}>
                {at < index ? <Icon name="check" /> : <span className="wizard-number">{at + 1}</span>}{" "}
                {words.names[one]}
                {at < index && <span className="visually-hidden"> ({words.done})</span>}
              </button>
            </li>
          ))}
        </ol>
      </nav>
      <div ref={heading} className="wizard-body">
        {settings.value === null && settings.problem === null && (
          <Skeleton rows={4} label={en.common.loading} />
        )}
        {settings.value === null && settings.problem !== null && (
          <ProblemBox problem={settings.problem} onRetry={settings.refresh} />
        )}
        {page !== null && (
          <Step
            key={step}
            step={step}
            page={page}
            vault={vault.value}
            onNext={() => to(index + 1)}
            onSaved={(fresh) => {
              if (fresh !== undefined) setSaved(fresh);
              vault.refresh();
              site.reload();
            }}
          />
        )}
      </div>
      <footer className="wizard-foot">
        <Button disabled={index === 0} onClick={() => to(index - 1)} testId="wizard-back">
          {words.back}
        </Button>
        {index < STEPS.length - 1 && (
          <Button kind="quiet" onClick={() => to(index + 1)} testId="wizard-skip">
            {words.skip}
          </Button>
        )}
      </footer>
    </main>
  );
}

function Step({ step, ...props }: StepProps & { readonly step: StepName }) {
  switch (step) {
    case "name":
      return <NameStep {...props} />;
    case "zone":
      return <ZoneStep {...props} />;
    case "law":
      return <LawStep {...props} />;
    case "host":
      return <HostStep {...props} />;
    case "vault":
      return <VaultStep {...props} />;
    case "cameras":
      return <CamerasStep onNext={props.onNext} />;
    case "finish":
      return <FinishStep onEnd={() => localStorage.removeItem(KEPT)} />;
  }
}
