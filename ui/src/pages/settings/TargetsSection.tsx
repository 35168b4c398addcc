import { useState } from "react";
import { notifyApi, type Offer, type Target, type TargetDraft } from "../../api/alarms";
import type { Problem } from "../../api/result";
import { CheckField, SelectField } from "../../kit/forms";
import { Icon } from "../../kit/icons";
import { Button, Field, Skeleton, StateBox } from "../../kit/parts";
import { targetsText as words } from "../../text/rules";
import { en } from "../../text/en";
import { DeniedBox, ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { defaultsOf, faultsOf, fieldsOf, refusedFields } from "../../widgets/schema";
import { SchemaForm } from "../../widgets/SchemaForm";
import { useAsked, useSite } from "../../widgets/site";
import { Deliveries } from "./Deliveries";

/** Who is told: targets with their forms, a test each, and what was delivered. */
export function TargetsSection() {
  const { can } = useSite();
  return can("system.manage") ? <Targets /> : <DeniedBox permission="system.manage" />;
}

function Targets() {
  const notifiers = useAsked((signal) => notifyApi.notifiers(signal), "notifiers", null);
  const asked = useAsked((signal) => notifyApi.targets(signal), "targets", null);
  const [isAdding, setAdding] = useState(false);
  const problem = asked.problem ?? notifiers.problem;
  const offers = notifiers.value ?? [];
  const targets = asked.value ?? [];
  const first = offers.find((one) => one.state !== "broken") ?? offers[0];
  if (asked.value === null || notifiers.value === null) {
    return problem === null ? (
      <Skeleton rows={4} label={en.common.loading} />
    ) : (
      <ProblemBox
        problem={problem}
        onRetry={() => {
          asked.refresh();
          notifiers.refresh();
        }}
      />
    );
  }
  return (
    <div className="settings-form" data-testid="targets">
      <p className="hint">{words.intro}</p>
      {targets.length === 0 && !isAdding && (
        <StateBox title={words.empty} sign="bell">
          <p>{words.emptyHint}</p>
        </StateBox>
      )}
      {targets.map((one) => (
        <TargetCard
          key={`${one.id} ${JSON.stringify(one)}`}
          target={one}
          start={one}
          offers={offers}
          onDone={asked.refresh}
        />
      ))}
      {isAdding && first !== undefined && (
        <TargetCard
          target={null}
          start={{
            name: "",
            notifier: first.name,
            settings: defaultsOf(first.settings_schema ?? {}),
            is_escalation: false,
            is_on: true,
          }}
          offers={offers}
          onDone={() => {
            setAdding(false);
            asked.refresh();
          }}
        />
      )}
      {!isAdding && (
        <div className="group">
          <Button
            kind="primary"
            disabled={first === undefined}
            onClick={() => setAdding(true)}
            testId="target-add"
          >
            {words.add}
          </Button>
        </div>
      )}
      <Deliveries targets={targets} />
    </div>
  );
}

interface TargetCardProps {
  /** Null: a new one. */
  readonly target: Target | null;
  readonly start: TargetDraft;
  readonly offers: readonly Offer[];
  readonly onDone: () => void;
}

function useTarget({ target, start, offers, onDone }: TargetCardProps) {
  const site = useSite();
  const [draft, setDraft] = useState<TargetDraft>(() => ({
    name: start.name,
    notifier: start.notifier,
    settings: start.settings,
    is_escalation: start.is_escalation,
    is_on: start.is_on,
  }));
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [tested, setTested] = useState<{ readonly ok: boolean; readonly words: string } | null>(null);
  const offer = offers.find((one) => one.name === draft.notifier);
  const change = (by: Partial<TargetDraft>) => {
    setDraft((old) => ({ ...old, ...by }));
    setProblem(null);
  };
  const save = async () => {
    setBusy(true);
    const answer = await (target === null ? notifyApi.add(draft) : notifyApi.edit(target.id, draft));
    setBusy(false);
    if (answer.ok) {
      site.say(words.saved(answer.value.name));
      onDone();
    } else setProblem(answer.problem);
  };
  const remove = async (gone: Target) => {
    const answer = await notifyApi.remove(gone.id);
    if (answer.ok) {
      site.say(words.removed(gone.name));
      onDone();
    } else setProblem(answer.problem);
  };
  const test = async (of: Target) => {
    setBusy(true);
    const answer = await notifyApi.test(of.id);
    setBusy(false);
    if (answer.ok) setTested(answer.value);
    else setProblem(answer.problem);
  };
  return { draft, offer, problem, isBusy, tested, change, save, remove, test };
}

function TargetCard(props: TargetCardProps) {
  const { target, offers } = props;
  const work = useTarget(props);
  const { draft, offer, problem, isBusy, change } = work;
  return (
    <form
      className="box"
      noValidate
      aria-label={draft.name === "" ? words.add : draft.name}
      data-testid="target"
      onSubmit={(event) => {
        event.preventDefault();
        void work.save();
      }}
    >
      <div className="two">
        <Field
          label={words.name}
          value={draft.name}
          required
          onChange={(name) => change({ name })}
          testId="target-name"
        />
        <SelectField
          label={words.notifier}
          value={draft.notifier}
          disabled={target !== null}
          options={offers.map((one) => ({ value: one.name, words: one.title }))}
          onChange={(notifier) => {
            const next = offers.find((one) => one.name === notifier);
            change({ notifier, settings: next === undefined ? {} : defaultsOf(next.settings_schema ?? {}) });
          }}
          testId="target-notifier"
        />
      </div>
      {offer?.why != null && offer.why !== "" && <p className="field-error">{words.broken(offer.why)}</p>}
      {offer !== undefined && (
        <SchemaForm
          schema={offer.settings_schema ?? {}}
          value={draft.settings}
          faults={
            target === null ? new Map() : faultsOf(fieldsOf(offer.settings_schema ?? {}), draft.settings)
          }
          refused={refusedFields(problem, "settings.")}
          disabled={isBusy}
          onChange={(settings) => change({ settings })}
        />
      )}
      {target !== null && <p className="hint">{words.secretKept}</p>}
      <CheckField label={words.isOn} checked={draft.is_on} onChange={(isOn) => change({ is_on: isOn })} />
      <CheckField
        label={words.isEscalation}
        checked={draft.is_escalation}
        onChange={(isEscalation) => change({ is_escalation: isEscalation })}
      />
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <CardFoot {...props} work={work} />
    </form>
  );
}

function CardFoot({
  target,
  onDone,
  work,
}: TargetCardProps & { readonly work: ReturnType<typeof useTarget> }) {
  const { draft, isBusy, tested } = work;
  return (
    <>
      {tested !== null && (
        <p
          className={tested.ok ? "verdict is-good" : "field-error"}
          role="status"
          data-testid="target-tested"
        >
          <Icon name={tested.ok ? "check" : "alarm"} />{" "}
          {tested.ok ? words.testGood(tested.words) : tested.words}
        </p>
      )}
      <div className="group">
        <Button
          kind="primary"
          type="submit"
          disabled={isBusy || draft.name.trim() === ""}
          testId="target-save"
        >
          {words.save}
        </Button>
        {target !== null && (
          <>
            <Button disabled={isBusy} onClick={() => void work.test(target)} testId="target-test">
              {isBusy ? words.testing : words.test}
            </Button>
            <Button
              kind="quiet"
              disabled={isBusy}
              onClick={() => void work.remove(target)}
              testId="target-remove"
            >
              {words.remove}
            </Button>
          </>
        )}
        {target === null && <Button onClick={onDone}>{en.common.cancel}</Button>}
      </div>
    </>
  );
}
