import { client } from "../../api/client";
import type { Channel } from "../../api/types";
import { Button } from "../../kit/parts";
import { devicesText as words } from "../../text/devices";
import { problemWords } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";

/** Removing can be undone, so nobody is asked twice: the way back stays on the screen for a while. */
export function useRemoval() {
  const site = useSite();
  const finish = (said: string, undo?: () => void) => {
    site.say(said, undo);
    site.channels.refresh();
  };
  const restore = async (channel: Channel) => {
    const done = await client.restoreCamera(channel.id);
    if (done.ok) finish(words.restored(channel.name));
    else if (done.problem !== null) finish(problemWords(done.problem));
  };
  const remove = async (channel: Channel) => {
    const done = await client.removeCamera(channel.id);
    if (done.ok) finish(words.removed(channel.name), () => void restore(channel));
    else if (done.problem !== null) finish(problemWords(done.problem));
    return done.ok;
  };
  return { remove, restore };
}

/** Removed cameras whose recordings may still be there; each can come back. */
export function RemovedCameras({ present }: { readonly present: readonly Channel[] }) {
  const { can } = useSite();
  const { restore } = useRemoval();
  const key = present.map((one) => one.id).join(",");
  const asked = useAsked((signal) => client.removedChannels(signal), `removed ${key}`, null);
  const known = new Set(present.map((one) => one.id));
  const removed = (asked.value ?? []).filter((one) => !known.has(one.id));
  if (removed.length === 0) return null;
  return (
    <details className="removed" data-testid="removed">
      <summary>{words.removedTitle(removed.length)}</summary>
      <p className="hint">{words.removedHint}</p>
      <ul>
        {removed.map((channel) => (
          <li key={channel.id}>
            <span>{channel.name}</span> <span className="mono">{channel.address}</span>{" "}
            <Button disabled={!can("camera.add")} onClick={() => void restore(channel)} testId="restore">
              {words.restore}
            </Button>
          </li>
        ))}
      </ul>
    </details>
  );
}
