import { audit } from "../../api/people";
import { Dialog, Skeleton } from "../../kit/parts";
import { en } from "../../text/en";
import { auditText as words } from "../../text/people";
import { ProblemBox } from "../../widgets/ProblemBox";
import { useAsked } from "../../widgets/site";

/** One entry with what belongs to it, and its link in the chain. */
export function AuditDetails({
  sequence,
  onClose,
}: {
  readonly sequence: number;
  readonly onClose: () => void;
}) {
  const asked = useAsked((signal) => audit.entry(sequence, signal), `entry ${sequence}`, null);
  const entry = asked.value;
  return (
    <Dialog
      title={words.details(sequence)}
      closeLabel={en.common.close}
      onClose={onClose}
      testId="audit-details"
    >
      {entry === null && asked.problem === null && <Skeleton rows={3} label={en.common.loading} />}
      {entry === null && asked.problem !== null && (
        <ProblemBox problem={asked.problem} onRetry={asked.refresh} />
      )}
      {entry !== null && (
        <>
          {entry.details === null ? (
            <p>{words.noDetails}</p>
          ) : (
            <pre className="mono details">{JSON.stringify(entry.details, null, 2)}</pre>
          )}
          <dl className="proof">
            <dt>{words.link}</dt>
            <dd className="mono">{entry.link}</dd>
            <dt>{words.signature}</dt>
            <dd className="mono">{entry.signature}</dd>
          </dl>
        </>
      )}
    </Dialog>
  );
}
