import { rulesApi, type Rule } from "../../api/alarms";
import { people } from "../../api/people";
import type { Problem } from "../../api/result";
import { go, useAddress } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Button, Link, Skeleton, StateBox } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { rulesText as words } from "../../text/rules";
import { en } from "../../text/en";
import { DeniedBox, ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";
import { RuleForm } from "./RuleForm";
import { draftOfRule, FRESH_RULE, sentenceOf, type Known } from "./ruleModel";
import "./rules.css";

const EVERY_MS = 10_000;
const FRESH = "new";

/** /rules, /rules/new, /rules/<rule>. */
export function RulesPage() {
  const { can } = useSite();
  return can("rule.read") ? <Rules /> : <DeniedBox permission="rule.read" />;
}

function Rules() {
  const site = useSite();
  const { pathname } = useAddress();
  const shown = pathname.split("/")[2] ?? "";
  const asked = useAsked((signal) => rulesApi.list(signal), "rules", EVERY_MS);
  const offers = useAsked((signal) => rulesApi.actions(signal), "actions", null);
  const groups = useAsked((signal) => people.groups(signal), "groups", null);
  const canManage = site.can("rule.manage");
  const known = knownOf(site.channels.value, groups.value, offers.value);
  const rules = asked.value ?? [];
  const rule = rules.find((one) => one.id === shown) ?? null;
  const isForm = (rule !== null || shown === FRESH) && offers.value !== null;
  return (
    <section className="page" aria-label={words.title}>
      <div className="toolbar">
        <h1>{words.title}</h1>
        {isForm && (
          <Link to="/rules" go={go} className="button">
            {words.back}
          </Link>
        )}
        <Button
          kind={isForm ? "plain" : "primary"}
          disabled={!canManage}
          label={canManage ? words.add : en.problem.denied("rule.manage")}
          onClick={() => go(`/rules/${FRESH}`)}
          testId="rule-add"
        >
          {words.add}
        </Button>
      </div>
      {!canManage && <p className="hint">{words.readOnly}</p>}
      <ListState asked={asked} count={rules.length} isForm={isForm} />
      {isForm ? (
        <RuleForm
          key={`${shown} ${rule?.version ?? ""}`}
          rule={rule}
          start={rule === null ? FRESH_RULE : draftOfRule(rule)}
          known={known}
          onSaved={(saved) => {
            asked.refresh();
            site.say(words.saved(saved.name));
            go("/rules");
          }}
          onChanged={asked.refresh}
        />
      ) : (
        <ul className="plain rule-list" aria-label={words.list} data-testid="rules">
          {rules.map((one) => (
            <RuleRow key={one.id} rule={one} known={known} onChanged={asked.refresh} />
          ))}
        </ul>
      )}
    </section>
  );
}

function knownOf(
  channels: Known["channels"] | null,
  groups: Known["groups"] | null,
  offers: Known["offers"] | null,
): Known {
  return { channels: channels ?? [], groups: groups ?? [], offers: offers ?? [] };
}

interface ListStateProps {
  readonly asked: { readonly value: unknown; readonly problem: Problem | null; readonly refresh: () => void };
  readonly count: number;
  readonly isForm: boolean;
}

function ListState({ asked, count, isForm }: ListStateProps) {
  const { value, problem, refresh } = asked;
  if (value === null) {
    return problem === null ? (
      <Skeleton rows={4} label={en.common.loading} />
    ) : (
      <ProblemBox problem={problem} onRetry={refresh} />
    );
  }
  return (
    <>
      {problem !== null && (
        <p className="field-warning" role="status">
          <Icon name="diamond" /> {problemWords(problem)}
        </p>
      )}
      {count === 0 && !isForm && (
        <StateBox title={words.empty} sign="rule" testId="rules-empty">
          <p>{words.emptyHint}</p>
        </StateBox>
      )}
    </>
  );
}

interface RuleRowProps {
  readonly rule: Rule;
  readonly known: Known;
  readonly onChanged: () => void;
}

function RuleRow({ rule, known, onChanged }: RuleRowProps) {
  const site = useSite();
  const put = async (isOn: boolean, isUndo: boolean): Promise<void> => {
    const answer = await rulesApi.edit(rule.id, { ...draftOfRule(rule), is_on: isOn });
    onChanged();
    if (answer.ok) {
      const undo = () => void put(!isOn, true);
      site.say(isOn ? words.switchedOn(rule.name) : words.switchedOff(rule.name), isUndo ? undefined : undo);
    } else if (answer.problem !== null) site.say(problemWords(answer.problem));
  };
  return (
    <li className="rule-row" data-testid="rule" data-id={rule.id}>
      <label className="check">
        <input
          type="checkbox"
          role="switch"
          checked={rule.is_on}
          disabled={!site.can("rule.manage")}
          aria-label={words.switchOn(rule.name)}
          onChange={(event) => void put(event.target.checked, false)}
        />
        <span>{rule.is_on ? words.on : words.off}</span>
      </label>
      <div>
        <Link
          to={`/rules/${rule.id}`}
          go={go}
          className="rule-name"
          label={words.edit(rule.name)}
          testId="rule-open"
        >
          {rule.name}
        </Link>
        <p>{sentenceOf(rule, known)}</p>
        {rule.trouble !== null && rule.trouble !== "" && (
          <p className="field-warning">
            <Icon name="diamond" /> {words.trouble(rule.trouble)}
          </p>
        )}
        <p className="hint">
          {words.changed(rule.version, rule.changed_by, momentText(rule.changed_us, site.zone))}
        </p>
      </div>
    </li>
  );
}
