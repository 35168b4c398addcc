import { useState } from "react";
import { siteApi } from "../../api/site";
import type { Problem } from "../../api/result";
import { go } from "../../kit/address";
import { SelectField } from "../../kit/forms";
import { firstRunText } from "../../text/firstrun";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";
import { StepForm } from "./SiteSteps";

const words = firstRunText.finish;
const FIRST_PURPOSE = "installation";

/** The wizard ends for good, and Live opens with pictures. */
export function FinishStep({ onEnd }: { readonly onEnd: () => void }) {
  const site = useSite();
  const count = site.channels.value?.length ?? 0;
  const purposes = site.session.purposes.filter((one) => one.functions.includes("live"));
  const likely = purposes.find((one) => one.id === FIRST_PURPOSE) ?? purposes[0];
  const [purpose, setPurpose] = useState(site.purpose ?? likely?.id ?? "");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const finish = async () => {
    setBusy(true);
    const answer = await siteApi.finishFirstRun();
    setBusy(false);
    if (!answer.ok) {
      setProblem(answer.problem);
      return;
    }
    onEnd();
    if (count > 0 && purpose !== "") site.setPurpose(purpose);
    site.reload();
    go("/live");
  };
  return (
    <StepForm
      title={words.title}
      why={count === 0 ? words.none : words.some(count)}
      isBusy={isBusy}
      problem={problem === null ? undefined : problemWords(problem)}
      button={count === 0 ? words.close : words.see}
      onSubmit={() => void finish()}
    >
      {count > 0 && purposes.length > 0 && (
        <SelectField
          label={words.purpose}
          hint={words.purposeWhy}
          value={purpose}
          options={purposes.map((one) => ({ value: one.id, words: one.title }))}
          onChange={setPurpose}
          testId="wizard-purpose"
        />
      )}
    </StepForm>
  );
}
