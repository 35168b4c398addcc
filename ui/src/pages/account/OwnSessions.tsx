import { account } from "../../api/people";
import { Button, Skeleton } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { accountText as words } from "../../text/people";
import { ProblemBox } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";

export function OwnSessions() {
  const site = useSite();
  const asked = useAsked((signal) => account.sessions(signal), "own sessions", 30_000);
  const end = async (id: string) => {
    const answer = await account.endSession(id);
    if (answer.ok) site.say(words.sessionEnded);
    asked.refresh();
  };
  return (
    <section className="panel" aria-label={words.sessionsTitle}>
      <h2>{words.sessionsTitle}</h2>
      {asked.value === null && asked.problem === null && <Skeleton rows={2} label={en.common.loading} />}
      {asked.value === null && asked.problem !== null && (
        <ProblemBox problem={asked.problem} onRetry={asked.refresh} />
      )}
      <ul className="lines" data-testid="own-sessions">
        {asked.value?.map((line) => (
          <li key={line.id}>
            <span>
              <span className="mono">{line.from_where}</span>{" "}
              <span className="hint">
                {line.is_this === true ? words.sessionThis : words.seen(momentText(line.seen_us, site.zone))}
              </span>
            </span>
            {line.is_this !== true && (
              <Button kind="quiet" onClick={() => void end(line.id)}>
                {words.sessionEnd}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
