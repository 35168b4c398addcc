import { useState, type ReactNode } from "react";
import { rulesApi, type Rule, type RuleDraft } from "../../api/alarms";
import type { Problem } from "../../api/result";
import { go } from "../../kit/address";
import { SelectField } from "../../kit/forms";
import { Button, Field } from "../../kit/parts";
import { rulesText as words } from "../../text/rules";
import { DEVICE_KINDS, kindWords, sortWords, SORTS_OFFERED } from "../../text/seeing";
import { ChoiceSet } from "../../widgets/ChoiceSet";
import { problemWords } from "../../widgets/ProblemBox";
import { refusedFields } from "../../widgets/schema";
import { useSite } from "../../widgets/site";
import { TextList } from "../../widgets/TextList";
import { Schedule } from "../../widgets/WeekHours";
import { Actions } from "./Actions";
import { DryRunBox } from "./DryRunBox";
import { faultsOfRule, sentenceOf, type Known } from "./ruleModel";

const SEEN_KINDS = ["zone.entered", "zone.present", "zone.left", "line.crossed"];

interface RuleFormProps {
  /** Null: a new one. */
  readonly rule: Rule | null;
  readonly start: RuleDraft;
  readonly known: Known;
  readonly onSaved: (rule: Rule) => void;
  readonly onChanged: () => void;
}

/** One sentence: when, at, during, if, do. Make it anew (by `key`) for another rule. */
export function RuleForm({ rule, start, known, onSaved, onChanged }: RuleFormProps) {
  const site = useSite();
  const [draft, setDraft] = useState(start);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const canManage = site.can("rule.manage");
  const faults = faultsOfRule(draft);
  const change = (by: Partial<RuleDraft>) => {
    setDraft((old) => ({ ...old, ...by }));
    setProblem(null);
  };
  const save = async () => {
    setTried(true);
    if (faults.length > 0) return;
    setBusy(true);
    const sent = { ...draft, name: draft.name.trim() };
    const answer = await (rule === null ? rulesApi.add(sent) : rulesApi.edit(rule.id, sent));
    setBusy(false);
    if (answer.ok) onSaved(answer.value);
    else setProblem(answer.problem);
  };
  const remove = async (gone: Rule) => {
    const answer = await rulesApi.remove(gone.id);
    if (!answer.ok) {
      setProblem(answer.problem);
      return;
    }
    go("/rules");
    onChanged();
    site.say(words.removed(gone.name), () => void rulesApi.add(start).then(onChanged));
  };
  const shared = { draft, known, disabled: !canManage, onChange: change };
  return (
    <form
      className="rule-form"
      noValidate
      aria-label={draft.name === "" ? words.add : draft.name}
      data-testid="rule-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Field
        label={words.name}
        value={draft.name}
        disabled={!canManage}
        required
        onChange={(name) => change({ name })}
        error={isTried && faults.includes("name") ? words.nameNeeded : undefined}
        testId="rule-name"
      />
      <p className="rule-sentence" aria-live="polite" data-testid="rule-sentence">
        {sentenceOf(draft, known)}
      </p>
      <When {...shared} />
      <At {...shared} isWrong={isTried && faults.includes("at")} />
      <Clause lead={words.during}>
        <Schedule
          label={words.during}
          value={draft.during}
          disabled={!canManage}
          onChange={(during) => change({ during })}
          testId="rule-during"
        />
      </Clause>
      <If {...shared} />
      <Clause lead={words.act}>
        <Actions
          orders={draft.actions}
          offers={known.offers}
          disabled={!canManage}
          refused={refusedFields(problem)}
          error={isTried && faults.includes("actions") ? words.noActions : undefined}
          onChange={(actions) => change({ actions })}
        />
      </Clause>
      <DryRunBox draft={draft} />
      {problem !== null && (
        <p className="field-error" role="alert" data-testid="rule-problem">
          {problemWords(problem)} {Object.values(refusedFields(problem)).join(" ")}
        </p>
      )}
      <div className="settings-foot">
        <span className="hint" role="status">
          {draft === start ? "" : words.unsaved}
        </span>
        {rule !== null && (
          <Button disabled={!canManage || isBusy} onClick={() => void remove(rule)} testId="rule-remove">
            {words.remove}
          </Button>
        )}
        <Button onClick={() => go("/rules")}>{words.discard}</Button>
        <Button kind="primary" type="submit" disabled={!canManage || isBusy} testId="rule-save">
          {words.save}
        </Button>
      </div>
    </form>
  );
}

/** A part of the sentence behind its leading word. */
function Clause({ lead, children }: { readonly lead: string; readonly children: ReactNode }) {
  return (
    <div className="clause">
      <span className="clause-lead" aria-hidden="true">
        {lead}
      </span>
      <div className="clause-body">{children}</div>
    </div>
  );
}

interface PartProps {
  readonly draft: RuleDraft;
  readonly known: Known;
  readonly disabled: boolean;
  readonly onChange: (by: Partial<RuleDraft>) => void;
}

function When({ draft, disabled, onChange }: PartProps) {
  const { when } = draft;
  const set = (by: Partial<RuleDraft["when"]>) => onChange({ when: { ...when, ...by } });
  return (
    <Clause lead={words.when}>
      <ChoiceSet
        label={words.kinds}
        choices={[...SEEN_KINDS, ...DEVICE_KINDS]}
        chosen={when.kinds}
        words={kindWords}
        disabled={disabled}
        onChange={(kinds) => set({ kinds })}
        testId="rule-kind"
      />
      <ChoiceSet
        label={words.classes}
        choices={SORTS_OFFERED}
        chosen={when.classes}
        words={sortWords}
        disabled={disabled}
        onChange={(classes) => set({ classes })}
        testId="rule-class"
      />
      <TextList
        label={words.zones}
        hint={words.zonesHint}
        items={when.zones}
        disabled={disabled}
        onChange={(zones) => set({ zones })}
        testId="rule-zones"
      />
    </Clause>
  );
}

function At({ draft, known, disabled, onChange, isWrong }: PartProps & { readonly isWrong: boolean }) {
  const { at } = draft;
  const set = (by: Partial<RuleDraft["at"]>) => onChange({ at: { ...at, ...by } });
  const nameIn = (list: readonly { readonly id: string; readonly name: string }[]) => (id: string) =>
    list.find((one) => one.id === id)?.name ?? id;
  return (
    <Clause lead={words.at}>
      <div className="choice-row">
        <label className="check">
          <input
            type="radio"
            name="rule-at"
            checked={at.everywhere}
            disabled={disabled}
            onChange={() => set({ everywhere: true })}
          />
          <span>{words.everywhere}</span>
        </label>
        <label className="check">
          <input
            type="radio"
            name="rule-at"
            checked={!at.everywhere}
            disabled={disabled}
            onChange={() => set({ everywhere: false })}
            data-testid="rule-some"
          />
          <span>{words.some}</span>
        </label>
      </div>
      {!at.everywhere && (
        <>
          {known.groups.length > 0 && (
            <ChoiceSet
              label={words.groups}
              choices={known.groups.map((one) => one.id)}
              chosen={at.groups}
              words={nameIn(known.groups)}
              disabled={disabled}
              onChange={(groups) => set({ groups })}
            />
          )}
          <ChoiceSet
            label={words.cameras}
            error={isWrong ? words.atNeeded : undefined}
            choices={known.channels.map((one) => one.id)}
            chosen={at.channels}
            words={nameIn(known.channels)}
            disabled={disabled}
            onChange={(channels) => set({ channels })}
            testId="rule-camera"
          />
        </>
      )}
    </Clause>
  );
}

function If({ draft, disabled, onChange }: PartProps) {
  const { conditions } = draft;
  const set = (by: Partial<RuleDraft["conditions"]>) => onChange({ conditions: { ...conditions, ...by } });
  const number = (text: string, most: number) => Math.min(most, Math.max(0, Number(text) || 0));
  return (
    <Clause lead={words.condition}>
      <div className="three">
        <Field
          label={words.minScore}
          type="number"
          value={String(Math.round(conditions.min_score * 100))}
          disabled={disabled}
          onChange={(text) => set({ min_score: number(text, 100) / 100 })}
          testId="rule-score"
        />
        <Field
          label={words.minLasting}
          type="number"
          value={String(conditions.min_lasting_s)}
          disabled={disabled}
          onChange={(text) => set({ min_lasting_s: number(text, 86_400) })}
        />
        <SelectField
          label={words.direction}
          value={conditions.direction}
          disabled={disabled}
          options={Object.entries(words.directions).map(([value, shown]) => ({ value, words: shown }))}
          onChange={(direction) => set({ direction })}
        />
        <Field
          label={words.rest}
          hint={words.restHint}
          type="number"
          value={String(draft.rest_s)}
          disabled={disabled}
          onChange={(text) => onChange({ rest_s: number(text, 86_400) })}
          testId="rule-rest"
        />
      </div>
    </Clause>
  );
}
