import { Button, StateBox } from "../kit/parts";
import { en } from "../text/en";
import { useSite } from "./site";

export const PURPOSE_FIELD = "purpose";

/** Shown in place of pictures while no purpose, or one that does not cover them, is stated. */
export function PurposeNeeded({ lacks }: { readonly lacks: string | null }) {
  const site = useSite();
  if (site.session.purposes.length === 0) {
    return (
      <StateBox title={en.problem.deniedTitle} tone="warning" sign="denied" testId="purpose-needed">
        <p>{en.shell.purposesEmpty}</p>
      </StateBox>
    );
  }
  return (
    <StateBox title={en.live.needPurpose} sign="purpose" testId="purpose-needed">
      <p>{lacks ?? en.live.needPurposeHint}</p>
      <Button kind="primary" onClick={() => document.getElementById(PURPOSE_FIELD)?.focus()}>
        {en.live.choosePurpose}
      </Button>
    </StateBox>
  );
}
