import { useEffect, useRef, useState } from "react";
import type { Channel, ChannelState } from "../api/types";
import { go } from "../kit/address";
import { Icon, type IconName } from "../kit/icons";
import { Button, Dialog, Field, Link, Skeleton, StateBox } from "../kit/parts";
import { useShortcuts } from "../kit/shortcuts";
import { en, reasonWords } from "../text/en";
import { ProblemBox } from "./ProblemBox";
import { useSite } from "./site";
import { CHANNEL_DRAG } from "./TileFrame";

const SIGNS: Readonly<Record<ChannelState, IconName>> = {
  recording: "bar",
  connecting: "waiting",
  lost: "alarm",
  stopped: "square",
};

export function StateSign({ channel }: { readonly channel: Channel }) {
  const words = en.channelState[channel.state];
  const why = reasonWords(channel.reason ?? "", channel.detail ?? "");
  return (
    <span className={`sign sign-${channel.state}`} title={why === "" ? words : `${words}. ${why}`}>
      <Icon name={SIGNS[channel.state]} />
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
  const [isFolded, setFolded] = useState(() => matchMedia("(max-width: 60rem)").matches);
  const [searches, setSearches] = useState(0);
  const [isAsking, setAsking] = useState(false);
  const aside = useRef<HTMLElement>(null);
  useEffect(() => {
    if (searches === 0) return;
    const field = aside.current?.querySelector("input");
    field?.focus();
    field?.select();
  }, [searches]);
  useShortcuts(en.cameraTree.title, [
    [
      "Ctrl+k",
      en.keys.search,
      () => {
        setFolded(false);
        setSearches((old) => old + 1);
      },
    ],
    ["g", en.keys.cameraNumber, () => setAsking(true)],
  ]);
  const number = isAsking && (
    <CameraNumber channels={channels.value ?? []} onChoose={onChoose} onClose={() => setAsking(false)} />
  );
  if (isFolded) {
    return (
      <aside className="tree is-folded" aria-label={en.cameraTree.title}>
        <Button kind="quiet" label={en.cameraTree.unfold} onClick={() => setFolded(false)}>
          <Icon name="plus" /> <span className="tree-unfold">{en.cameraTree.title}</span>
        </Button>
        {number}
      </aside>
    );
  }
  const all = channels.value ?? [];
  const needle = words.trim().toLowerCase();
  const found = all.filter((one) => `${one.name} ${one.address}`.toLowerCase().includes(needle));
  return (
    <aside className="tree" ref={aside} aria-label={en.cameraTree.title}>
      <div className="tree-head">
        <h2>{en.cameraTree.title}</h2>
        <Button kind="quiet" label={en.cameraTree.fold} onClick={() => setFolded(true)}>
          <Icon name="minus" />
        </Button>
      </div>
      {number}
      <form
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          if (needle !== "" && found[0] !== undefined) onChoose(found[0].id);
        }}
      >
        <Field label={en.cameraTree.search} type="search" value={words} onChange={setWords} />
      </form>
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
            <Link to="/devices/add" go={go} className="button button-primary">
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
                <span className="tree-shown">
                  <Icon name="shown" />
                </span>
              )}
            </button>
          </li>
        ))}
      </ul>
    </aside>
  );
}

interface CameraNumberProps {
  readonly channels: readonly Channel[];
  readonly onChoose: (channelId: string) => void;
  readonly onClose: () => void;
}

/** Type a camera's number from the list, then Enter. */
function CameraNumber({ channels, onChoose, onClose }: CameraNumberProps) {
  const [digits, setDigits] = useState("");
  const channel = channels[Number(digits) - 1];
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  return (
    <Dialog
      title={en.cameraTree.byNumber}
      closeLabel={en.common.close}
      onClose={onClose}
      testId="camera-number"
    >
      <form
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          if (channel === undefined) return;
          onChoose(channel.id);
          onClose();
        }}
      >
        <Field
          label={en.cameraTree.number(channels.length)}
          value={digits}
          onChange={(typed) => setDigits(typed.replace(/\D/g, ""))}
        />
        <p className="hint" role="status">
          {channel?.name ?? (digits === "" ? "" : en.cameraTree.noNumber(digits))}
        </p>
        <div className="dialog-foot">
          <Button kind="primary" type="submit" disabled={channel === undefined}>
            {en.cameraTree.go}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
