import { useState, type ReactNode } from "react";
import { siteApi } from "../../api/site";
import type { Problem } from "../../api/result";
import { Button, Field } from "../../kit/parts";
import { CHOICES } from "../../text/site";
import { firstRunText as words } from "../../text/firstrun";
import { problemWords } from "../../widgets/ProblemBox";
import { fieldsOf } from "../../widgets/schema";
import { ZonePicker } from "../../widgets/ZonePicker";
import { addressKind, suggestedHost } from "./hostModel";
import type { StepProps } from "./FirstRunPage";

interface StepFormProps {
  readonly title: string;
  readonly why: string;
  readonly isBusy?: boolean;
  readonly isReady?: boolean;
  readonly problem?: string | undefined;
  readonly button?: string;
  readonly onSubmit: () => void;
  readonly children: ReactNode;
}

/** One decision: a question, why it is asked, the field, Continue. */
export function StepForm(props: StepFormProps) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        props.onSubmit();
      }}
    >
      <h1 tabIndex={-1}>{props.title}</h1>
      <p>{props.why}</p>
      {props.children}
      {props.problem !== undefined && (
        <p className="field-error" role="alert" data-testid="wizard-problem">
          {props.problem}
        </p>
      )}
      <div className="group">
        <Button
          kind="primary"
          type="submit"
          disabled={props.isBusy === true || props.isReady === false}
          testId="wizard-next"
        >
          {props.isBusy === true ? words.saving : (props.button ?? words.next)}
        </Button>
      </div>
    </form>
  );
}

/** Saves one value of the site's page; the server's words for the field stand at the field. */
function useSaving({ page, onNext, onSaved }: StepProps, name: string) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const fields = problem?.more?.["fields"] as Readonly<Record<string, string>> | undefined;
  const error = fields?.[name];
  const save = async (value: string) => {
    if (value === page.value[name]) {
      onNext();
      return;
    }
    setBusy(true);
    setProblem(null);
    const answer = await siteApi.changeSettings(page.name, { ...page.value, [name]: value });
    setBusy(false);
    if (answer.ok) {
      onSaved(answer.value);
      onNext();
    } else setProblem(answer.problem);
  };
  const rest = problem !== null && error === undefined ? problemWords(problem) : undefined;
  return { save, isBusy, error, problem: rest };
}

function first(page: StepProps["page"], name: string): string {
  const value = page.value[name];
  return typeof value === "string" ? value : "";
}

export function NameStep(props: StepProps) {
  const [name, setName] = useState(first(props.page, "name"));
  const { save, isBusy, error, problem } = useSaving(props, "name");
  return (
    <StepForm
      title={words.name.title}
      why={words.name.why}
      isBusy={isBusy}
      isReady={name.trim() !== ""}
      problem={problem}
      onSubmit={() => void save(name.trim())}
    >
      <Field
        label={words.name.label}
        hint={words.name.hint}
        value={name}
        onChange={setName}
        error={error}
        required
        testId="site-name"
      />
    </StepForm>
  );
}

export function ZoneStep(props: StepProps) {
  const told = first(props.page, "time_zone");
  // The first value is UTC, which is hardly anybody's clock: the browser's own is the better guess.
  const guess =
    told === "UTC" && props.page.changed_us === null
      ? Intl.DateTimeFormat().resolvedOptions().timeZone
      : told;
  const [zone, setZone] = useState(guess);
  const { save, isBusy, error, problem } = useSaving(props, "time_zone");
  return (
    <StepForm
      title={words.zone.title}
      why={words.zone.why}
      isBusy={isBusy}
      problem={problem}
      onSubmit={() => void save(zone)}
    >
      <ZonePicker label={words.names.zone} error={error} value={zone} onChange={setZone} />
    </StepForm>
  );
}

export function LawStep(props: StepProps) {
  const field = fieldsOf(props.page.schema).find((one) => one.path[0] === "jurisdiction");
  const choices = field?.kind === "choice" ? field.choices.map(String) : [];
  const [law, setLaw] = useState(first(props.page, "jurisdiction"));
  const { save, isBusy, error, problem } = useSaving(props, "jurisdiction");
  return (
    <StepForm
      title={words.law.title}
      why={words.law.why}
      isBusy={isBusy}
      problem={error ?? problem}
      onSubmit={() => void save(law)}
    >
      <fieldset className="box radios">
        <legend>{words.law.label}</legend>
        {choices.map((one) => (
          <label key={one} className="check">
            <input
              type="radio"
              name="jurisdiction"
              value={one}
              checked={law === one}
              onChange={() => setLaw(one)}
              data-testid={`law-${one}`}
            />
            <span>{CHOICES[one] ?? one}</span>
          </label>
        ))}
      </fieldset>
    </StepForm>
  );
}

export function HostStep(props: StepProps) {
  const here = location.hostname;
  const told = first(props.page, "host_name");
  const [host, setHost] = useState(told === "" ? suggestedHost(here) : told);
  const { save, isBusy, error, problem } = useSaving(props, "host_name");
  const kind = addressKind(here);
  return (
    <StepForm
      title={words.host.title}
      why={words.host.why}
      isBusy={isBusy}
      problem={problem}
      onSubmit={() => void save(host.trim())}
    >
      {kind === "address" && (
        <p className="field-warning" data-testid="host-warning">
          ◆ {words.host.isAddress(here)}
        </p>
      )}
      {kind === "local" && (
        <p className="field-warning" data-testid="host-warning">
          ◆ {words.host.isLocal}
        </p>
      )}
      {kind === "name" && told === "" && <p className="hint">{words.host.suggestion(here)}</p>}
      <Field
        label={words.host.label}
        hint={words.host.hint}
        value={host}
        onChange={setHost}
        error={
          error ?? (addressKind(host.trim()) === "address" ? words.host.isAddress(host.trim()) : undefined)
        }
        testId="host-name"
      />
      <p>
        <a href="/install" target="_blank" rel="noreferrer">
          {words.host.phones}
        </a>
      </p>
    </StepForm>
  );
}
