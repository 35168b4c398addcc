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
import { useSite } from "../../widgets/site";
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
        <StateBox title={en.cameras.empty} sign="▭" testId="no-cameras">
          <p>{en.cameras.emptyHint}</p>
        </StateBox>
      )}
      {value !== null && value.length > 0 && <CameraTable channels={value} />}
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
  const [leaving, setLeaving] = useState<Channel | null>(null);
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
                <td className="mono">
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
                      onClick={() => setLeaving(channel)}
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
      {leaving !== null && <RemoveDialog channel={leaving} onClose={() => setLeaving(null)} />}
      {naming !== null && <RenameDialog channel={naming} onClose={() => setNaming(null)} />}
    </>
  );
}

interface ChangeProps {
  readonly channel: Channel;
  readonly onClose: () => void;
}

function RemoveDialog({ channel, onClose }: ChangeProps) {
  const site = useSite();
  const [problem, setProblem] = useState<Problem | null>(null);
  const remove = async () => {
    const done = await client.removeCamera(channel.id);
    if (done.ok) {
      site.say(en.cameras.removed(channel.name));
      site.channels.refresh();
      onClose();
    } else {
      setProblem(done.problem);
    }
  };
  return (
    <Dialog title={en.cameras.removeTitle(channel.name)} closeLabel={en.common.close} onClose={onClose}>
      <p>{en.cameras.removeText}</p>
      {problem !== null && (
        <p className="field-error" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <div className="dialog-foot">
        <Button onClick={onClose}>{en.common.cancel}</Button>
        <Button kind="danger" onClick={() => void remove()} testId="remove-confirm">
          {en.cameras.remove}
        </Button>
      </div>
    </Dialog>
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
