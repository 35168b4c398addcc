import { useState } from "react";
import type { Channel, ChannelState } from "../api/types";
import { go } from "../kit/address";
import { Button, Field, Link, Skeleton, StateBox } from "../kit/parts";
import { en, reasonWords } from "../text/en";
import { ProblemBox } from "./ProblemBox";
import { useSite } from "./site";
import { CHANNEL_DRAG } from "./TileFrame";

const SIGNS: Readonly<Record<ChannelState, string>> = {
  recording: "▬",
  connecting: "◌",
  lost: "▲",
  stopped: "■",
};

export function StateSign({ channel }: { readonly channel: Channel }) {
  const words = en.channelState[channel.state];
  const why = reasonWords(channel.reason ?? "", channel.detail ?? "");
  return (
    <span className={`sign sign-${channel.state}`} title={why === "" ? words : `${words}. ${why}`}>
      <span aria-hidden="true">{SIGNS[channel.state]}</span>
      <span className="visually-hidden">{words}</span>
    </span>
  );
}

interface CameraTreeProps {
  readonly shown: readonly (string | null)[];
  readonly onChoose: (channelId: string) => void;
}

/** All cameras with their state; click, Enter or drag puts one into a tile. */
export function CameraTree({ shown, onChoose }: CameraTreeProps) {
  const { channels, can } = useSite();
  const [words, setWords] = useState("");
  const [isFolded, setFolded] = useState(false);
  if (isFolded) {
    return (
      <aside className="tree is-folded" aria-label={en.cameraTree.title}>
        <Button kind="quiet" label={en.cameraTree.unfold} onClick={() => setFolded(false)}>
          <span aria-hidden="true">+</span>
        </Button>
      </aside>
    );
  }
  const all = channels.value ?? [];
  const needle = words.trim().toLowerCase();
  const found = all.filter((one) => `${one.name} ${one.address}`.toLowerCase().includes(needle));
  return (
    <aside className="tree" aria-label={en.cameraTree.title}>
      <div className="tree-head">
        <h2>{en.cameraTree.title}</h2>
        <Button kind="quiet" label={en.cameraTree.fold} onClick={() => setFolded(true)}>
          <span aria-hidden="true">−</span>
        </Button>
      </div>
      <Field label={en.cameraTree.search} type="search" value={words} onChange={setWords} />
      {channels.value === null && channels.problem === null && (
        <Skeleton rows={4} label={en.common.loading} />
      )}
      {channels.value === null && channels.problem !== null && (
        <ProblemBox problem={channels.problem} onRetry={channels.refresh} />
      )}
      {channels.value !== null && all.length === 0 && (
        <StateBox title={en.cameraTree.empty}>
          <p>{en.cameraTree.emptyHint}</p>
          {can("camera.add") && (
            <Link to="/cameras?add=1" go={go} className="button button-primary">
              {en.cameraTree.add}
            </Link>
          )}
        </StateBox>
      )}
      {all.length > 0 && found.length === 0 && <p className="hint">{en.cameraTree.nothing(words)}</p>}
      <ul className="tree-list">
        {found.map((channel) => (
          <li key={channel.id}>
            <button
              type="button"
              className="tree-item"
              draggable
              data-testid="camera"
              data-channel={channel.id}
              aria-label={en.cameraTree.put(channel.name)}
              onDragStart={(event) => event.dataTransfer.setData(CHANNEL_DRAG, channel.id)}
              onClick={() => onChoose(channel.id)}
            >
              <span className="tree-number">{all.indexOf(channel) + 1}</span>
              <StateSign channel={channel} />
              <span className="tree-name">{channel.name}</span>
              {shown.includes(channel.id) && (
                <span className="tree-shown" aria-hidden="true">
                  ◧
                </span>
              )}
            </button>
          </li>
        ))}
      </ul>
    </aside>
  );
}
