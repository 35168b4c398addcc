import { useId, useState } from "react";
import { audit, type AuditFilter } from "../../api/people";
import { Button, Field } from "../../kit/parts";
import { typedMoment } from "../../kit/time";
import { auditText as words } from "../../text/people";
import { useSite } from "../../widgets/site";

export const NO_FILTER: AuditFilter = { who: "", what: "", text: "", outcome: "", fromUs: null, toUs: null };

interface AuditSearchProps {
  readonly filter: AuditFilter;
  readonly found: number | null;
  readonly onFilter: (filter: AuditFilter) => void;
}

/** Who, what, when and how it ended; and the way to take what was found along. */
export function AuditSearch({ filter, found, onFilter }: AuditSearchProps) {
  const { zone } = useSite();
  const outcomeId = useId();
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const isEmpty = JSON.stringify(filter) === JSON.stringify(NO_FILTER);
  return (
    <search className="audit-search">
      <div className="two">
        <Field
          label={words.who}
          type="search"
          value={filter.who}
          onChange={(who) => onFilter({ ...filter, who })}
          testId="audit-who"
        />
        <Field
          label={words.what}
          type="search"
          value={filter.what}
          onChange={(what) => onFilter({ ...filter, what })}
          testId="audit-what"
        />
        <Field
          label={words.text}
          type="search"
          value={filter.text}
          onChange={(text) => onFilter({ ...filter, text })}
          testId="audit-text"
        />
        <div className="field">
          <label htmlFor={outcomeId}>{words.outcome}</label>
          <select
            id={outcomeId}
            value={filter.outcome}
            onChange={(event) => onFilter({ ...filter, outcome: event.target.value })}
            data-testid="audit-outcome"
          >
            <option value="">{words.any}</option>
            <option value="done">{words.done}</option>
            <option value="refused">{words.refused}</option>
            <option value="failed">{words.failed}</option>
          </select>
        </div>
        <Field
          label={words.from}
          type="datetime-local"
          value={from}
          onChange={(typed) => {
            setFrom(typed);
            onFilter({ ...filter, fromUs: typedMoment(typed, zone) });
          }}
        />
        <Field
          label={words.to}
          type="datetime-local"
          value={to}
          onChange={(typed) => {
            setTo(typed);
            onFilter({ ...filter, toUs: typedMoment(typed, zone) });
          }}
        />
      </div>
      <div className="group">
        <Button
          disabled={isEmpty}
          onClick={() => {
            setFrom("");
            setTo("");
            onFilter(NO_FILTER);
          }}
        >
          {words.clear}
        </Button>
        {found !== null && (
          <span role="status" data-testid="audit-found">
            {found >= 10_000 ? words.foundMany : words.found(found)}
          </span>
        )}
        <a className="button" href={audit.exportAddress(filter, "jsonl")} download data-testid="audit-jsonl">
          {words.exportJsonl}
        </a>
        <a className="button" href={audit.exportAddress(filter, "csv")} download data-testid="audit-csv">
          {words.exportCsv}
        </a>
      </div>
    </search>
  );
}
