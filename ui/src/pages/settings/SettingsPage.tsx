import { useState } from "react";
import { siteApi, type SettingsPage as Page } from "../../api/site";
import type { Problem } from "../../api/result";
import { go, useAddress } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Button, Link, Skeleton, StateBox } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { targetsText } from "../../text/rules";
import { en } from "../../text/en";
import { settingsText as words } from "../../text/site";
import { DeniedBox, ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { SchemaForm } from "../../widgets/SchemaForm";
import { faultsOf, fieldsOf, refusedFields, type Value } from "../../widgets/schema";
import { useAsked, useSite } from "../../widgets/site";
import { TargetsSection } from "./TargetsSection";

const TARGETS = "targets";

/** /settings and /settings/<page>: each page a form drawn from its schema. */
export function SettingsPage() {
  const site = useSite();
  return site.can("system.read") ? <Settings /> : <DeniedBox permission="system.read" />;
}

function Settings() {
  const { pathname } = useAddress();
  const asked = useAsked((signal) => siteApi.settings(signal), "settings", null);
  const pages = asked.value ?? [];
  const wanted = pathname.split("/")[2];
  const page = wanted === TARGETS ? null : (pages.find((one) => one.name === wanted) ?? pages[0] ?? null);
  return (
    <section className="page" aria-label={words.title}>
      <div className="toolbar">
        <h1>{words.title}</h1>
        <nav className="group tabs" aria-label={words.pages}>
          {pages.map((one) => (
            <Link
              key={one.name}
              to={`/settings/${one.name}`}
              go={go}
              className="button"
              current={page?.name === one.name}
              testId={`settings-${one.name}`}
            >
              {one.title}
            </Link>
          ))}
          <Link
            to={`/settings/${TARGETS}`}
            go={go}
            className="button"
            current={wanted === TARGETS}
            testId="settings-targets"
          >
            {targetsText.title}
          </Link>
        </nav>
      </div>
      {asked.value === null && asked.problem === null && <Skeleton rows={5} label={en.common.loading} />}
      {asked.value === null && asked.problem !== null && (
        <ProblemBox problem={asked.problem} onRetry={asked.refresh} />
      )}
      {asked.value !== null && asked.problem !== null && (
        <p className="field-warning" role="status">
          <Icon name="diamond" /> {words.stale}
        </p>
      )}
      {asked.value?.length === 0 && (
        <StateBox title={words.empty} sign="gear">
          <p>{words.emptyHint}</p>
        </StateBox>
      )}
      {wanted === TARGETS && <TargetsSection />}
      {page !== null && (
        <PageForm key={`${page.name} ${page.changed_us ?? 0}`} page={page} onSaved={asked.refresh} />
      )}
    </section>
  );
}

interface PageFormProps {
  readonly page: Page;
  readonly onSaved: () => void;
}

function PageForm({ page, onSaved }: PageFormProps) {
  const site = useSite();
  const [value, setValue] = useState<Value>(page.value);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const canEdit = site.can("system.manage");
  const all = faultsOf(fieldsOf(page.schema), value);
  const faults = isTried ? all : new Map<string, never>();
  const refused = refusedFields(problem);
  const isSame = JSON.stringify(value) === JSON.stringify(page.value);
  const count = faults.size > 0 ? faults.size : Object.keys(refused).length;
  const save = async () => {
    setTried(true);
    setProblem(null);
    if (all.size > 0) return;
    setBusy(true);
    const answer = await siteApi.changeSettings(page.name, value);
    setBusy(false);
    if (answer.ok) {
      site.say(words.saved(page.title));
      onSaved();
      site.reload();
    } else setProblem(answer.problem);
  };
  return (
    <form
      className="settings-form"
      noValidate
      aria-label={page.title}
      data-testid="settings-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <p className="hint">
        {page.changed_us === null || page.changed_by === null
          ? words.firstValues
          : words.changed(page.changed_by, momentText(page.changed_us, site.zone))}
      </p>
      {!canEdit && (
        <p className="field-warning">
          <Icon name="lock" /> {words.readOnly}
        </p>
      )}
      <SchemaForm
        schema={page.schema}
        value={value}
        faults={faults}
        refused={refused}
        disabled={!canEdit || isBusy}
        onChange={(next) => {
          setValue(next);
          setProblem(null);
        }}
      />
      {problem !== null && (
        <p className="field-error" role="alert" data-testid="settings-problem">
          {count > 0 ? words.fix(count) : problemWords(problem)}
        </p>
      )}
      {problem === null && count > 0 && (
        <p className="field-error" role="alert" data-testid="settings-problem">
          {words.fix(count)}
        </p>
      )}
      <div className="settings-foot">
        <span className="hint" role="status">
          {!isSame && words.unsaved}
        </span>
        <Button
          disabled={isSame || isBusy}
          onClick={() => {
            setValue(page.value);
            setProblem(null);
            setTried(false);
          }}
        >
          {words.reset}
        </Button>
        <Button kind="primary" type="submit" disabled={!canEdit || isBusy || isSame} testId="settings-save">
          {isBusy ? words.saving : words.save}
        </Button>
      </div>
    </form>
  );
}
