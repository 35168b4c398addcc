import { useState } from "react";
import { exportsApi } from "../../api/exports";
import type { Problem } from "../../api/result";
import { SelectField } from "../../kit/forms";
import { Button, Dialog, Field } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { exportsText as words } from "../../text/exports";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";
import type { Selection } from "../../widgets/Timeline";

interface ExportDialogProps {
  readonly channelIds: readonly string[];
  readonly fromUs: number;
  readonly toUs: number;
  readonly purpose: string;
  readonly onClose: () => void;
}

interface ExportButtonProps {
  readonly channelIds: readonly string[];
  readonly selection: Selection;
  readonly purpose: string;
  readonly mayExport: boolean;
}

/** Opens the dialog for the marked span. */
export function ExportButton({ channelIds, selection, purpose, mayExport }: ExportButtonProps) {
  const [isOpen, setOpen] = useState(false);
  const { fromUs, toUs } = selection;
  if (fromUs === null || toUs === null || toUs <= fromUs || channelIds.length === 0 || !mayExport)
    return null;
  return (
    <>
      <Button onClick={() => setOpen(true)} testId="export">
        {words.open}
      </Button>
      {isOpen && (
        <ExportDialog
          channelIds={channelIds}
          fromUs={fromUs}
          toUs={toUs}
          purpose={purpose}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

/** What is asked for, as what, and why; it is made in the background. */
function ExportDialog(props: ExportDialogProps) {
  const { channelIds, fromUs, toUs, purpose, onClose } = props;
  const site = useSite();
  const [kind, setKind] = useState("case");
  const [reason, setReason] = useState("");
  const [caseName, setCaseName] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    const answer = await exportsApi.ask({
      channels: channelIds,
      from_us: fromUs,
      to_us: toUs,
      kind,
      purpose,
      reason,
      case: caseName,
    });
    setBusy(false);
    if (!answer.ok) {
      setProblem(answer.problem);
      return;
    }
    site.say(words.asked);
    onClose();
  };
  return (
    <Dialog title={words.dialogTitle} closeLabel={en.common.close} onClose={onClose} testId="export-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <p>
          {words.cameras(channelIds.length)}, {momentText(fromUs, site.zone)} – {momentText(toUs, site.zone)}
        </p>
        <SelectField
          label={words.kind}
          value={kind}
          options={Object.entries(words.kinds).map(([value, said]) => ({ value, words: said }))}
          onChange={setKind}
          testId="export-kind"
        />
        <Field
          label={words.reason}
          hint={words.reasonHint}
          value={reason}
          onChange={setReason}
          required
          testId="export-reason"
        />
        <Field
          label={words.caseName}
          hint={words.caseHint}
          value={caseName}
          onChange={setCaseName}
          testId="export-case"
        />
        {problem !== null && (
          <p className="field-error" role="alert">
            {words.refused}: {problemWords(problem)}
          </p>
        )}
        <div className="dialog-foot">
          <Button onClick={onClose}>{en.common.cancel}</Button>
          <Button kind="primary" type="submit" disabled={isBusy || reason.trim() === ""} testId="export-ask">
            {words.ask}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
