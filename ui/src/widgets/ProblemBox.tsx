import type { Problem } from "../api/result";
import { Button, StateBox } from "../kit/parts";
import { en } from "../text/en";

/** Words for a problem: the server's own, ours where the server could not speak. */
export function problemWords(problem: Problem): string {
  if (problem.kind === "offline") return en.problem.offline;
  if (problem.kind === "timeout" && problem.message === "") return en.problem.timeout;
  return problem.message;
}

export function ProblemBox({
  problem,
  onRetry,
}: {
  readonly problem: Problem;
  readonly onRetry?: () => void;
}) {
  const isDenied = problem.kind === "denied";
  return (
    <StateBox
      title={isDenied ? en.problem.deniedTitle : en.problem.title}
      sign={isDenied ? "denied" : "diamond"}
      tone={isDenied ? "warning" : "error"}
      testId="problem"
    >
      <p>{problemWords(problem)}</p>
      {onRetry !== undefined && <Button onClick={onRetry}>{en.common.retry}</Button>}
    </StateBox>
  );
}

/** Shown in place of a page whose permission is missing. */
export function DeniedBox({ permission }: { readonly permission: string }) {
  return (
    <StateBox title={en.problem.deniedTitle} sign="denied" tone="warning" testId="denied">
      <p>{en.problem.denied(permission)}</p>
    </StateBox>
  );
}
