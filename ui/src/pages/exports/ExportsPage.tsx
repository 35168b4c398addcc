import { useState } from "react";
import { exportsApi, type ExportJob } from "../../api/exports";
import type { Problem } from "../../api/result";
import { go } from "../../kit/address";
import { Progress } from "../../kit/forms";
import { Button, Link, Skeleton, StateBox } from "../../kit/parts";
import { bytesText, momentText } from "../../kit/time";
import { en } from "../../text/en";
import { exportsText as words } from "../../text/exports";
import { ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";

const EVERY_MS = 2_000;

/** One's own exports: how far they are, and the files of those that are ready. */
export function ExportsPage() {
  const asked = useAsked((signal) => exportsApi.mine(signal), "exports", EVERY_MS);
  const [problem, setProblem] = useState<Problem | null>(null);
  const remove = async (id: string) => {
    const answer = await exportsApi.remove(id);
    setProblem(answer.ok ? null : answer.problem);
    asked.refresh();
  };
  const jobs = asked.value;
  return (
    <section className="page" aria-label={words.title} data-testid="exports-page">
      <h1>{words.title}</h1>
      {problem !== null && (
        <p className="field-error" role="alert">
          {words.removeRefused}: {problemWords(problem)}
        </p>
      )}
      {asked.problem !== null && <ProblemBox problem={asked.problem} onRetry={asked.refresh} />}
      {jobs === null && asked.problem === null && <Skeleton rows={4} label={en.common.loading} />}
      {jobs?.length === 0 && (
        <StateBox title={words.none} sign="playback" testId="exports-none">
          <p>{words.noneHint}</p>
          <Link to="/playback" go={go} className="button">
            {words.toPlayback}
          </Link>
        </StateBox>
      )}
      {jobs !== null && jobs.length > 0 && (
        <table className="table">
          <caption className="visually-hidden">{words.caption}</caption>
          <thead>
            <tr>
              <th scope="col">{words.columns.asked}</th>
              <th scope="col">{words.columns.what}</th>
              <th scope="col">{words.columns.state}</th>
              <th scope="col">{words.columns.size}</th>
              <th scope="col">
                <span className="visually-hidden">{words.columns.steps}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {jobs.map((job) => (
              <ExportRow key={job.id} job={job} onRemove={() => void remove(job.id)} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function ExportRow({ job, onRemove }: { readonly job: ExportJob; readonly onRemove: () => void }) {
  const site = useSite();
  const isMaking = job.state === "waiting" || job.state === "running";
  const percent = Math.floor(job.done_permille / 10);
  return (
    <tr data-testid="export-row" data-state={job.state}>
      <td>{momentText(job.made_us, site.zone)}</td>
      <td>
        {words.cameras(job.channels.length)}, {momentText(job.from_us, site.zone)} –{" "}
        {momentText(job.to_us, site.zone)}
        <br />
        <span className="hint">
          {words.kinds[job.kind] ?? job.kind} · {job.reason}
          {job.case !== "" && ` · ${job.case}`}
        </span>
      </td>
      <td>
        {words.states[job.state]}
        {job.state === "running" && <Progress done={percent} all={100} words={words.progress(percent)} />}
        {job.state === "done" && job.expires_us !== null && (
          <span className="hint"> {words.until(momentText(job.expires_us, site.zone))}</span>
        )}
        {job.words !== "" && <p className="hint">{job.words}</p>}
      </td>
      <td>{job.state === "done" ? bytesText(job.size_bytes) : ""}</td>
      <td>
        {job.state === "done" && (
          <a
            className="button button-primary"
            href={exportsApi.fileAddress(job.id)}
            download
            data-testid="export-fetch"
          >
            {words.fetch}
          </a>
        )}
        <Button kind="quiet" onClick={onRemove} testId="export-remove">
          {isMaking ? words.cancel : words.remove}
        </Button>
      </td>
    </tr>
  );
}
