import { useState } from "react";
import { client } from "../../api/client";
import type { Problem } from "../../api/result";
import type { Channel } from "../../api/types";
import { go, useAddress } from "../../kit/address";
import { Button, Dialog, Field, Skeleton, StateBox } from "../../kit/parts";
import { bitrateText, momentText } from "../../kit/time";
import { en, reasonWords } from "../../text/en";
import { StateSign } from "../../widgets/CameraTree";
import { DeniedBox, ProblemBox, problemWords } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";
import { AddCamera } from "./AddCamera";

export function CamerasPage() {
  const site = useSite();
  const isAsked = useAddress().searchParams.get("add") === "1";
  const [isAdding, setAdding] = useState(isAsked);
  if (!site.can("channel.list")) return <DeniedBox permission="channel.list" />;
  const { value, problem, refresh } = site.channels;
  const canAdd = site.can("camera.add");
  const addButton = (
    <Button
      kind="primary"
      onClick={() => setAdding(true)}
      disabled={!canAdd}
      label={canAdd ? en.cameras.add : en.problem.denied("camera.add")}
      testId="add-camera"
    >
      {en.cameras.add}
    </Button>
  );
  return (
    <section className="page" aria-label={en.cameras.title}>
      <div className="toolbar">
        <h1>{en.cameras.title}</h1>
        {addButton}
      </div>
      {value === null && problem === null && <Skeleton rows={5} label={en.common.loading} />}
      {problem !== null && value === null && <ProblemBox problem={problem} onRetry={refresh} />}
      {value?.length === 0 && (
        <StateBox title={en.cameras.empty} sign="camera" testId="no-cameras">
          <p>{en.cameras.emptyHint}</p>
        </StateBox>
      )}
      {value !== null && value.length > 0 && <CameraTable channels={value} />}
      {value !== null && <RemovedCameras present={value} />}
      {isAdding && (
        <AddCamera
          onClose={() => {
            setAdding(false);
            if (isAsked) go("/cameras");
          }}
          onAdded={(name) => {
            setAdding(false);
            site.say(en.cameras.added(name));
            refresh();
          }}
        />
      )}
    </section>
  );
}

function streamWords(channel: Channel): string {
  const stream = channel.streams[0];
  if (stream?.codec == null) return en.common.none;
  const size =
    stream.width_px !== null && stream.height_px !== null ? ` ${stream.width_px}×${stream.height_px}` : "";
  const fps = stream.fps !== null && stream.fps > 0 ? ` ${stream.fps.toFixed(0)} fps` : "";
  return `${stream.codec.toUpperCase()}${size}${fps}`;
}

function CameraTable({ channels }: { readonly channels: readonly Channel[] }) {
  const { zone, can } = useSite();
  const { remove } = useRemoval();
  const [naming, setNaming] = useState<Channel | null>(null);
  const { columns } = en.cameras;
  return (
    <>
      <div className="table-box" tabIndex={0} role="region" aria-label={en.cameras.title}>
        <table data-testid="cameras">
          <thead>
            <tr>
              {[columns.state, columns.name, columns.address, columns.stream].map((words) => (
                <th key={words} scope="col">
                  {words}
                </th>
              ))}
              <th scope="col" className="number">
                {columns.rate}
              </th>
              <th scope="col">{columns.since}</th>
              <th scope="col">{columns.action}</th>
            </tr>
          </thead>
          <tbody>
            {channels.map((channel) => (
              <tr key={channel.id} data-testid="camera-row" data-state={channel.state}>
                <td>
                  <StateSign channel={channel} /> {en.channelState[channel.state]}
                  {channel.state !== "recording" && (
                    <p className="hint">{reasonWords(channel.reason ?? "", channel.detail ?? "")}</p>
                  )}
                </td>
                <td>{channel.name}</td>
                <td className="mono">{channel.address}</td>
                <td>{streamWords(channel)}</td>
                <td className="number">
                  {channel.streams[0]?.bitrate_bps == null
                    ? en.common.none
                    : bitrateText(channel.streams[0].bitrate_bps)}
                </td>
                <td className="mono moment">
                  {channel.since_us === null ? en.common.none : momentText(channel.since_us, zone)}
                </td>
                <td>
                  <div className="group">
                    <Button kind="quiet" disabled={!can("camera.edit")} onClick={() => setNaming(channel)}>
                      {en.cameras.rename}
                    </Button>
                    <Button
                      kind="quiet"
                      disabled={!can("camera.remove")}
                      onClick={() => void remove(channel)}
                      testId="remove"
                    >
                      {en.cameras.remove}
                    </Button>
                  </div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {naming !== null && <RenameDialog channel={naming} onClose={() => setNaming(null)} />}
    </>
  );
}

interface ChangeProps {
  readonly channel: Channel;
  readonly onClose: () => void;
}

/** Removing can be undone, so nobody is asked twice: the way back stays on the screen for a while. */
function useRemoval() {
  const site = useSite();
  const finish = (words: string, undo?: () => void) => {
    site.say(words, undo);
    site.channels.refresh();
  };
  const restore = async (channel: Channel) => {
    const done = await client.restoreCamera(channel.id);
    if (done.ok) finish(en.cameras.restored(channel.name));
    else if (done.problem !== null) finish(problemWords(done.problem));
  };
  const remove = async (channel: Channel) => {
    const done = await client.removeCamera(channel.id);
    if (done.ok) finish(en.cameras.removed(channel.name), () => void restore(channel));
    else if (done.problem !== null) finish(problemWords(done.problem));
  };
  return { remove, restore };
}

/** Removed cameras whose recordings may still be there; each can come back. */
function RemovedCameras({ present }: { readonly present: readonly Channel[] }) {
  const { can } = useSite();
  const { restore } = useRemoval();
  const key = present.map((one) => one.id).join(",");
  const asked = useAsked((signal) => client.removedChannels(signal), `removed ${key}`, null);
  const known = new Set(present.map((one) => one.id));
  const removed = (asked.value ?? []).filter((one) => !known.has(one.id));
  if (removed.length === 0) return null;
  return (
    <details className="removed" data-testid="removed">
      <summary>{en.cameras.removedTitle(removed.length)}</summary>
      <p className="hint">{en.cameras.removedHint}</p>
      <ul>
        {removed.map((channel) => (
          <li key={channel.id}>
            <span>{channel.name}</span> <span className="mono">{channel.address}</span>{" "}
            <Button disabled={!can("camera.add")} onClick={() => void restore(channel)} testId="restore">
              {en.cameras.restore}
            </Button>
          </li>
        ))}
      </ul>
    </details>
  );
}

function RenameDialog({ channel, onClose }: ChangeProps) {
  const site = useSite();
  const [name, setName] = useState(channel.name);
  const [problem, setProblem] = useState<Problem | null>(null);
  const rename = async () => {
    const done = await client.editCamera(channel.id, { name });
    if (done.ok) {
      site.channels.refresh();
      onClose();
    } else {
      setProblem(done.problem);
    }
  };
  return (
    <Dialog title={en.cameras.rename} closeLabel={en.common.close} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void rename();
        }}
      >
        <Field label={en.cameras.nameLabel} value={name} onChange={setName} required />
        {problem !== null && (
          <p className="field-error" role="alert">
            {problemWords(problem)}
          </p>
        )}
        <div className="dialog-foot">
          <Button onClick={onClose}>{en.common.cancel}</Button>
          <Button kind="primary" type="submit">
            {en.cameras.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
