import { useState } from "react";
import { devicesApi, troubleOf, type Device } from "../../api/devices";
import type { Channel } from "../../api/types";
import { Button, Dialog, Skeleton } from "../../kit/parts";
import { momentText } from "../../kit/time";
import { en } from "../../text/en";
import { devicesText } from "../../text/devices";
import { RowCard } from "../../widgets/adding/RowCard";
import { AddressSource } from "../../widgets/adding/Sources";
import { reachOf, withTrouble } from "../../widgets/adding/rows";
import { useAdding } from "../../widgets/adding/useAdding";
import { problemWords } from "../../widgets/ProblemBox";
import { useAsked, useSite } from "../../widgets/site";
import "../../widgets/adding/adding.css";

const words = devicesText.replace;

interface ReplaceDialogProps {
  readonly channel: Channel;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}

/** Another box behind the same camera: tested first, then bound; the history stays. */
export function ReplaceDialog({ channel, onClose, onChanged }: ReplaceDialogProps) {
  const site = useSite();
  const adding = useAdding(() => undefined);
  const [isBusy, setBusy] = useState(false);
  const row = adding.rows.at(-1) ?? null;
  const replace = async () => {
    if (row === null) return;
    setBusy(true);
    const answer = await devicesApi.replace(channel.id, reachOf(row), row.input);
    setBusy(false);
    if (answer.ok) {
      site.say(words.done(channel.name));
      onChanged();
      onClose();
    } else if (answer.problem !== null) {
      const plain = { code: "", words: problemWords(answer.problem), advice: "", fingerprint: null };
      adding.change(row.key, withTrouble(row, troubleOf(answer.problem) ?? plain));
    }
  };
  return (
    <Dialog
      title={words.title(channel.name)}
      closeLabel={en.common.close}
      onClose={onClose}
      testId="replace-dialog"
    >
      <div className="adding">
        <p>{words.hint(channel.name)}</p>
        <AddressSource
          onRows={(rows) => {
            adding.clear();
            adding.take(rows.map((one) => ({ ...one, name: channel.name, isNameTyped: true })));
          }}
        />
        {row !== null && (
          <ul className="row-cards">
            <RowCard
              row={row}
              isNamed
              isOnly={false}
              purposes={[]}
              groups={[]}
              channel={null}
              onChange={(change) => adding.change(row.key, change)}
              onTest={(change) => adding.test([row.key], change)}
              onLeaveOut={adding.clear}
              onInput={() => undefined}
              onEnter={() => undefined}
            />
          </ul>
        )}
        <div className="dialog-foot">
          <Button onClick={onClose}>{en.common.cancel}</Button>
          <Button
            kind="primary"
            disabled={isBusy || row?.state !== "good"}
            onClick={() => void replace()}
            testId="replace-confirm"
          >
            {words.confirm}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

interface HistoryProps {
  readonly channelId: string;
  readonly devices: readonly Device[];
}

/** Which boxes this camera has been, from when to when. */
export function History({ channelId, devices }: HistoryProps) {
  const { zone } = useSite();
  const deviceIds = devices.map((one) => one.id).join(",");
  const asked = useAsked(
    (signal) => devicesApi.bindings(channelId, signal),
    `bindings ${channelId} ${deviceIds}`,
    null,
  );
  if (asked.value === null) {
    return asked.problem === null ? <Skeleton rows={1} label={en.common.loading} /> : null;
  }
  if (asked.value.length < 2) return null;
  const nameOf = (id: string) => {
    const device = devices.find((one) => one.id === id);
    if (device === undefined) return words.removedDevice;
    const model = [device.identity?.maker, device.identity?.model].filter(Boolean).join(" ");
    return `${model === "" ? device.driver : model}, ${device.address}`;
  };
  return (
    <>
      <h4>{words.history}</h4>
      <ul data-testid="bindings">
        {asked.value.map((one) => (
          <li key={`${one.device_id} ${one.from_us}`}>
            <span className="mono">
              {words.span(
                momentText(one.from_us, zone),
                one.to_us === null ? words.present : momentText(one.to_us, zone),
              )}
            </span>{" "}
            {nameOf(one.device_id)}
          </li>
        ))}
      </ul>
    </>
  );
}
