import { useState, type ReactNode } from "react";
import type { Device, DevicePurpose, Group } from "../../api/devices";
import type { Channel } from "../../api/types";
import { go } from "../../kit/address";
import { Icon } from "../../kit/icons";
import { Button, Link } from "../../kit/parts";
import { bitrateText, momentText } from "../../kit/time";
import { en } from "../../text/en";
import { clockWords, devicesText } from "../../text/devices";
import { recordingText } from "../../text/recording";
import { watchText } from "../../text/seeing";
import { PtzPad } from "../../widgets/PtzPad";
import { useSite } from "../../widgets/site";
import { Standing } from "../../widgets/Standing";
import { ChannelForm } from "./ChannelForm";
import { Credentials } from "./Credentials";
import { Notices } from "./Notices";
import { RecordingForm } from "./RecordingForm";
import { useRemoval } from "./RemovedCameras";
import { History, ReplaceDialog } from "./Replace";
import { Wanted } from "./Wanted";

const words = devicesText.detail;

interface DeviceDetailProps {
  readonly channel: Channel;
  readonly device: Device | null;
  readonly devices: readonly Device[];
  readonly purposes: readonly DevicePurpose[];
  readonly groups: readonly Group[];
  readonly onChanged: () => void;
}

/** Everything about one camera and the box behind it. */
export function DeviceDetail({ channel, device, devices, purposes, groups, onChanged }: DeviceDetailProps) {
  const { can } = useSite();
  const { remove } = useRemoval();
  const [isReplacing, setReplacing] = useState(false);
  const canEdit = can("camera.edit");
  return (
    <article className="detail" aria-label={channel.name} data-testid="device-detail">
      <div className="toolbar">
        <h2>{channel.name}</h2>
        <Standing channel={channel} device={device} />
      </div>
      <div className="group">
        <Link to={`/live?size=1&tiles=${channel.id}`} go={go} className="button">
          {words.live}
        </Link>
        <Link to={`/playback?size=1&tiles=${channel.id}`} go={go} className="button">
          {words.playback}
        </Link>
        <Button
          disabled={!canEdit}
          onClick={() => setReplacing(true)}
          label={canEdit ? devicesText.replace.button : en.problem.denied("camera.edit")}
          testId="replace"
        >
          {devicesText.replace.button}
        </Button>
        <Button
          disabled={!can("camera.remove")}
          onClick={() => {
            void remove(channel).then((isDone) => {
              if (isDone) go("/devices");
            });
          }}
          testId="remove"
        >
          {devicesText.remove}
        </Button>
      </div>
      {device?.trouble != null && (
        <div className="trouble" role="status">
          <p className="field-error">{device.trouble.words}</p>
          <p>{device.trouble.advice}</p>
        </div>
      )}
      <Section title={words.channel}>
        <ChannelForm channel={channel} purposes={purposes} groups={groups} onChanged={onChanged} />
      </Section>
      <Section title={recordingText.title}>
        <RecordingForm key={channel.id} channel={channel} />
      </Section>
      <Section title={watchText.section}>
        <p className="hint">{watchText.sectionHint}</p>
        <div className="group">
          <Link to={`/devices/${channel.id}/watches`} go={go} className="button" testId="to-watches">
            <Icon name="eye" /> {watchText.link}
          </Link>
        </div>
      </Section>
      {channel.can_steer === true && can("camera.steer") && (
        <Section title={devicesText.ptz.title(channel.name)}>
          <PtzPad channelId={channel.id} />
        </Section>
      )}
      <Section title={words.streams}>
        <Streams channel={channel} />
      </Section>
      {device !== null && (
        <>
          <Section title={words.identity}>
            <Identity device={device} />
            <History channelId={channel.id} devices={devices} />
          </Section>
          <Section title={devicesText.wanted.title}>
            <Wanted device={device} onChanged={onChanged} />
          </Section>
          <Section title={devicesText.credentials.title}>
            <Credentials key={device.address} device={device} onChanged={onChanged} />
          </Section>
          {can("system.read") && device.abilities.includes("events") && (
            <Section title={devicesText.notices.title}>
              <Notices deviceId={device.id} />
            </Section>
          )}
        </>
      )}
      {isReplacing && (
        <ReplaceDialog channel={channel} onClose={() => setReplacing(false)} onChanged={onChanged} />
      )}
    </article>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="detail-section" aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Identity({ device }: { readonly device: Device }) {
  const { zone } = useSite();
  const { identity } = device;
  const told = (text: string | undefined) => (text === undefined || text === "" ? words.unknown : text);
  const at = (us: number | null, none: string) => (us === null ? none : momentText(us, zone));
  const facts: readonly (readonly [string, string])[] = [
    [words.maker, told(identity?.maker)],
    [words.model, told(identity?.model)],
    [words.firmware, told(identity?.firmware)],
    [words.serial, told(identity?.serial)],
    [words.driver, device.driver],
    [words.address, device.address],
    ...(device.username === null ? [] : ([[words.username, told(device.username)]] as const)),
    [words.clock, device.clock_offset_ms === null ? words.unknown : clockWords(device.clock_offset_ms)],
    [words.added, at(device.added_us, words.unknown)],
    [words.checked, at(device.checked_us, words.never)],
  ];
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Streams({ channel }: { readonly channel: Channel }) {
  const { columns } = en.cameras;
  if (channel.streams.length === 0) return <p className="hint">{en.health.noStreams}</p>;
  return (
    <div className="table-box" tabIndex={0} role="region" aria-label={words.streams}>
      <table>
        <thead>
          <tr>
            <th scope="col">{columns.stream}</th>
            <th scope="col">{columns.encoding}</th>
            <th scope="col" className="number">
              {en.health.columns.fps}
            </th>
            <th scope="col" className="number">
              {columns.rate}
            </th>
          </tr>
        </thead>
        <tbody>
          {channel.streams.map((one) => (
            <tr key={one.id}>
              <td>{one.profile}</td>
              <td>
                {one.codec === null ? words.unknown : one.codec.toUpperCase()}
                {one.width_px !== null && one.height_px !== null && ` ${one.width_px}×${one.height_px}`}
              </td>
              <td className="number">
                {one.fps === null || one.fps === 0 ? en.common.none : one.fps.toFixed(0)}
              </td>
              <td className="number">
                {one.bitrate_bps === null ? en.common.none : bitrateText(one.bitrate_bps)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
