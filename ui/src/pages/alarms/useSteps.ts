/** One step for one or several alarms: what was done, who was faster, what failed; told once. */

import { useState } from "react";
import { alarmsApi, type Alarm, type AlarmFile, type AlarmStep, type StepBody } from "../../api/alarms";
import type { Problem } from "../../api/result";
import { alarmsText as words } from "../../text/alarms";
import type { AlarmDesk } from "../../widgets/alarms/alarmDesk";
import { problemWords } from "../../widgets/ProblemBox";
import { useSite } from "../../widgets/site";

export type StepWish = Omit<StepBody, "version">;

export interface Steps {
  readonly isBusy: boolean;
  /** True when nothing was refused. */
  readonly run: (alarms: readonly Alarm[], step: AlarmStep, wish: StepWish) => Promise<boolean>;
}

function whoWasFaster(file: AlarmFile): string {
  const last = file.history[file.history.length - 1];
  return last === undefined
    ? words.fasterUnknown
    : words.faster(last.who, words.whats[last.what] ?? last.what);
}

export function useSteps(desk: AlarmDesk, onChanged: () => void): Steps {
  const site = useSite();
  const [isBusy, setBusy] = useState(false);
  const run = async (alarms: readonly Alarm[], step: AlarmStep, wish: StepWish): Promise<boolean> => {
    setBusy(true);
    const done: Alarm[] = [];
    const said: string[] = [];
    const refused: Problem[] = [];
    for (const alarm of alarms) {
      const answer = await alarmsApi.step(alarm.id, step, { version: alarm.version, ...wish });
      if (answer.ok) done.push(answer.value);
      else if (answer.problem?.kind === "conflict") {
        const now = await alarmsApi.one(alarm.id);
        if (now.ok) desk.take([now.value]);
        said.push(now.ok ? whoWasFaster(now.value) : words.fasterUnknown);
      } else if (answer.problem !== null) refused.push(answer.problem);
    }
    desk.take(done);
    setBusy(false);
    if (done.length > 0) said.unshift(words.done[step](done.length));
    const [first] = refused;
    if (first !== undefined) said.push(words.failed(refused.length, problemWords(first)));
    site.say(said.join(" "));
    onChanged();
    return refused.length === 0;
  };
  return { isBusy, run };
}
