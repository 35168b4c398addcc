import { useState } from "react";
import { client } from "../../api/client";
import type { Problem } from "../../api/result";
import { Button } from "../../kit/parts";
import { lengthText, momentText } from "../../kit/time";
import { en } from "../../text/en";
import { problemWords } from "../../widgets/ProblemBox";
import { purposeCovers, useSite } from "../../widgets/site";
import type { Selection } from "../../widgets/Timeline";
import { ExportButton } from "./ExportDialog";

interface SelectionBarProps {
  readonly selection: Selection;
  readonly channelId: string | null;
  readonly channelIds: readonly string[];
  readonly purpose: string;
  readonly onMark: (side: "fromUs" | "toUs") => () => void;
  readonly onClear: () => void;
}

/** Hand an address to the browser's own downloads. */
function save(address: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}

export function SelectionBar(props: SelectionBarProps) {
  const { selection, channelId, channelIds, purpose, onMark, onClear } = props;
  const site = useSite();
  const [problem, setProblem] = useState<Problem | null>(null);
  const { fromUs, toUs } = selection;
  const isReady = fromUs !== null && toUs !== null && toUs > fromUs;

  const download = async (ids: readonly string[]) => {
    if (!isReady) return;
    setProblem(null);
    for (const id of ids) {
      const look = await client.openLook({
        channel_id: id,
        purpose,
        kind: "export",
        from_us: fromUs,
        to_us: toUs,
        presentation: "raw",
      });
      if (!look.ok) {
        setProblem(look.problem);
        return;
      }
      save(client.downloadAddress(look.value.id));
      site.say(en.playback.downloading);
    }
  };
  const mayExport = site.can("video.export") && purposeCovers(site, "export");
  const words = isReady
    ? en.playback.selectionSpan(
        momentText(fromUs, site.zone),
        momentText(toUs, site.zone),
        lengthText(toUs - fromUs),
      )
    : en.playback.selectionNone;
  return (
    <div className="selection" role="group" aria-label={en.playback.selection}>
      <Button onClick={onMark("fromUs")} testId="selection-start">
        {en.playback.selectionStart}
      </Button>
      <Button onClick={onMark("toUs")} testId="selection-end">
        {en.playback.selectionEnd}
      </Button>
      <span className="selection-words">{words}</span>
      <Button
        kind="primary"
        disabled={!isReady || channelId === null || !mayExport}
        onClick={() => void download(channelId === null ? [] : [channelId])}
        testId="download"
      >
        {en.playback.download}
      </Button>
      {channelIds.length > 1 && (
        <Button disabled={!isReady || !mayExport} onClick={() => void download(channelIds)}>
          {en.playback.downloadAll(channelIds.length)}
        </Button>
      )}
      <ExportButton
        channelIds={channelIds.length > 0 || channelId === null ? channelIds : [channelId]}
        selection={selection}
        purpose={purpose}
        mayExport={mayExport}
      />
      {(fromUs !== null || toUs !== null) && (
        <Button kind="quiet" onClick={onClear}>
          {en.playback.selectionClear}
        </Button>
      )}
      {!mayExport && <span className="hint">{en.problem.denied("video.export")}</span>}
      {problem !== null && (
        <span className="field-error" role="alert">
          {en.playback.downloadRefused}: {problemWords(problem)}
        </span>
      )}
    </div>
  );
}
