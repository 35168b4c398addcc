import { useState } from "react";
import { rulesApi, type DryRun, type RuleDraft } from "../../api/alarms";
import { serverClock } from "../../api/client";
import type { Problem } from "../../api/result";
import { go } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Button, Link } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { alarmsText } from "../../text/alarms";
import { rulesText as words } from "../../text/rules";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";

const DAY_US = 86_400_000_000;
const DAY_H = 24;
/** About one in ten minutes is what a person can follow (EEMUA 191). */
const MANY_A_DAY = 144;
const LINKS_MOST = 30;

/** "Would have fired 14 times", with the way to each. */
export function DryRunBox({ draft }: { readonly draft: RuleDraft }) {
  const [answer, setAnswer] = useState<{ readonly of: RuleDraft; readonly run: DryRun } | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const ask = async () => {
    setBusy(true);
    setProblem(null);
    const nowUs = serverClock.nowUs();
    const name = draft.name.trim() === "" ? words.add : draft.name.trim();
    const asked = await rulesApi.dryRun({ ...draft, name }, nowUs - DAY_US, nowUs);
    setBusy(false);
    if (asked.ok) setAnswer({ of: draft, run: asked.value });
    else setProblem(asked.problem);
  };
  // An answer to another sentence is no answer to this one.
  const run = answer?.of === draft ? answer.run : null;
  return (
    <section className="dry-run" aria-label={words.dryRun}>
      <div className="group">
        <Button disabled={isBusy} onClick={() => void ask()} testId="rule-dry-run">
          {isBusy ? words.dryRunning : words.dryRun}
        </Button>
        <span className="hint">{words.dryHint}</span>
      </div>
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      {run !== null && <Fired run={run} />}
    </section>
  );
}

function Fired({ run }: { readonly run: DryRun }) {
  const { zone, channels } = useSite();
  const nameOf = (id: string | null) =>
    channels.value?.find((one) => one.id === id)?.name ?? alarmsText.cameraGone;
  return (
    <div role="status" data-testid="rule-fired" data-count={run.fired}>
      <p>
        <strong>{words.dry(run.fired, run.truncated)}</strong>{" "}
        {run.fired >= DAY_H / 10 && words.dryRate((run.fired / DAY_H).toFixed(1))}
      </p>
      {run.fired > MANY_A_DAY && (
        <p className="field-warning">
          <Icon name="diamond" /> {words.dryMany}
        </p>
      )}
      <ul className="plain fired">
        {run.at.slice(0, LINKS_MOST).map((one) => (
          <li key={one.event_id}>
            <Link
              to={`/playback?grid=1&tiles=${one.channel_id ?? ""}&at=${one.at_us}`}
              go={go}
              label={words.drySee(momentText(one.at_us, zone), nameOf(one.channel_id))}
            >
              {momentText(one.at_us, zone)} {nameOf(one.channel_id)}
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
