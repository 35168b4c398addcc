import { useState } from "react";
import { audit, type AuditFound } from "../../api/people";
import type { Problem } from "../../api/result";
import type { AuditEntry } from "../../api/types";
import { Icon } from "../../kit/icons";
import { Button, Skeleton, StateBox } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { DeniedBox, ProblemBox } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";
import { auditText } from "../../text/people";
import { AuditDetails } from "./AuditDetails";
import { AuditSearch, NO_FILTER } from "./AuditSearch";

const PAGE = 100;

export function AuditPage() {
  const site = useSite();
  return site.can("audit.read") ? <Audit /> : <DeniedBox permission="audit.read" />;
}

function Audit() {
  const [before, setBefore] = useState<number | null>(null);
  const [filter, setFilter] = useState(NO_FILTER);
  const asked = useAsked(
    (signal) => audit.find(filter, PAGE, before, signal),
    `audit ${before ?? ""} ${JSON.stringify(filter)}`,
    before === null ? 10_000 : null,
  );
  const isFiltered = JSON.stringify(filter) !== JSON.stringify(NO_FILTER);
  const page = asked.value;
  return (
    <section className="page" aria-label={en.audit.title}>
      <div className="toolbar">
        <h1>{en.audit.title}</h1>
        {page !== null && (
          <p
            className={page.intact ? "verdict is-good" : "verdict is-bad"}
            role="status"
            data-testid="intact"
          >
            <Icon name={page.intact ? "check" : "alarm"} /> {page.intact ? en.audit.intact : en.audit.broken}
          </p>
        )}
      </div>
      <AuditSearch
        filter={filter}
        found={isFiltered ? (page?.found ?? null) : null}
        onFilter={(wanted) => {
          setBefore(null);
          setFilter(wanted);
        }}
      />
      {page === null && <Waiting problem={asked.problem} onRetry={asked.refresh} />}
      {page?.entries.length === 0 && <Nothing isFiltered={isFiltered} />}
      {page !== null && page.entries.length > 0 && <Entries entries={page.entries} />}
      <Pager page={page} before={before} onBefore={setBefore} />
    </section>
  );
}

function Nothing({ isFiltered }: { readonly isFiltered: boolean }) {
  return (
    <StateBox title={isFiltered ? auditText.nothing : en.audit.empty}>
      {!isFiltered && <p>{en.audit.emptyHint}</p>}
    </StateBox>
  );
}

interface PagerProps {
  readonly page: AuditFound | null;
  readonly before: number | null;
  readonly onBefore: (before: number | null) => void;
}

function Pager({ page, before, onBefore }: PagerProps) {
  const entries = page?.entries ?? [];
  const oldest = entries.length < PAGE ? undefined : entries[entries.length - 1]?.sequence;
  return (
    <div className="group">
      <Button disabled={before === null} onClick={() => onBefore(null)}>
        {en.audit.newest}
      </Button>
      <Button disabled={oldest === undefined} onClick={() => onBefore(oldest ?? null)}>
        {en.audit.older}
      </Button>
    </div>
  );
}

function Waiting({ problem, onRetry }: { readonly problem: Problem | null; readonly onRetry: () => void }) {
  if (problem === null) return <Skeleton rows={8} label={en.common.loading} />;
  return <ProblemBox problem={problem} onRetry={onRetry} />;
}

function Entries({ entries }: { readonly entries: readonly AuditEntry[] }) {
  const { zone, session, channels } = useSite();
  const { columns } = en.audit;
  const [opened, setOpened] = useState<number | null>(null);
  const purposes = new Map(session.purposes.map((one) => [one.id, one.title]));
  /** A channel by its name, where it still has one. */
  const objectWords = (object: string): string => {
    const id = object.replace(/^channel /, "");
    return channels.value?.find((one) => one.id === id)?.name ?? object;
  };
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={en.audit.title}>
      <table data-testid="audit">
        <thead>
          <tr>
            <th scope="col" className="number">
              {columns.sequence}
            </th>
            {[
              columns.at,
              columns.who,
              columns.what,
              columns.object,
              columns.why,
              columns.outcome,
              columns.where,
            ].map((words) => (
              <th key={words} scope="col">
                {words}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={entry.sequence} className={`outcome-${entry.outcome}`}>
              <td className="number">
                <Button
                  kind="quiet"
                  label={auditText.details(entry.sequence)}
                  onClick={() => setOpened(entry.sequence)}
                >
                  {entry.sequence}
                </Button>
              </td>
              <td className="mono">{momentText(entry.at_us, zone)}</td>
              <td>{entry.who}</td>
              <td>{entry.what}</td>
              <td title={entry.object}>{objectWords(entry.object)}</td>
              <td title={entry.why}>{purposes.get(entry.why) ?? entry.why}</td>
              <td>
                <Icon name={entry.outcome === "done" ? "check" : "alarm"} /> {entry.outcome}
              </td>
              <td className="mono">{entry.from_where}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {opened !== null && <AuditDetails sequence={opened} onClose={() => setOpened(null)} />}
    </div>
  );
}
