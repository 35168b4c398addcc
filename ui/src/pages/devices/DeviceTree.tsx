import { useState, type ReactNode } from "react";
import type { Device, Group } from "../../api/devices";
import type { Channel } from "../../api/types";
import { CheckField } from "../../kit/forms";
import { Icon } from "../../kit/icons";
import { Field, Link } from "../../kit/parts";
import { go } from "../../kit/address";
import { devicesText as words } from "../../text/devices";
import { matches, treeOf, type DeviceBranch, type GroupBranch } from "../../widgets/deviceModel";
import { Standing } from "../../widgets/Standing";

interface DeviceTreeProps {
  readonly channels: readonly Channel[];
  readonly devices: readonly Device[];
  readonly groups: readonly Group[];
  readonly chosen: ReadonlySet<string>;
  readonly shown: string | null;
  readonly onChoose: (ids: ReadonlySet<string>) => void;
}

/** group → device → channels with their state; ticks for changing many, names to open one. */
export function DeviceTree(props: DeviceTreeProps) {
  const { channels, devices, groups } = props;
  const [search, setSearch] = useState("");
  const deviceOf = (channel: Channel) => devices.find((one) => one.id === channel.device_id) ?? null;
  const found =
    search.trim() === ""
      ? channels
      : channels.filter((one) => matches(one, deviceOf(one), groups, search.trim()));
  const tree = treeOf(found, devices, search.trim() === "" ? groups : groups.filter(hasFound(found, groups)));
  return (
    <nav className="device-tree" aria-label={words.tree}>
      <form role="search" onSubmit={(event) => event.preventDefault()}>
        <Field
          label={words.search}
          type="search"
          value={search}
          onChange={setSearch}
          testId="device-search"
        />
      </form>
      {channels.length > 0 && found.length === 0 && (
        <p className="hint" role="status">
          {words.nothing(search)}
        </p>
      )}
      <ul className="branches" data-testid="cameras">
        {tree.map((branch) => (
          <Branch key={branch.group?.id ?? "none"} branch={branch} isPlain={groups.length === 0} {...props} />
        ))}
      </ul>
    </nav>
  );
}

/** Only groups with something found in or below them. */
function hasFound(found: readonly Channel[], groups: readonly Group[]): (group: Group) => boolean {
  const needed = new Set<string>();
  for (const channel of found) {
    let id = channel.group_id ?? null;
    while (id !== null && !needed.has(id)) {
      needed.add(id);
      const now = id;
      id = groups.find((one) => one.id === now)?.parent_id ?? null;
    }
  }
  return (group) => needed.has(group.id);
}

interface BranchProps extends DeviceTreeProps {
  readonly branch: GroupBranch;
  /** There are no groups at all: no heading is needed. */
  readonly isPlain: boolean;
}

function Branch({ branch, isPlain, ...props }: BranchProps) {
  const { chosen, onChoose } = props;
  const name = branch.group?.name ?? words.ungrouped;
  const ids = branch.channelIds;
  const isAll = ids.length > 0 && ids.every((id) => chosen.has(id));
  const inside = (
    <ul className="branches">
      {branch.groups.map((one) => (
        <Branch key={one.group?.id} branch={one} isPlain={false} {...props} />
      ))}
      {branch.devices.map((one) => (
        <DeviceRows key={one.channels[0]?.device_id} branch={one} {...props} />
      ))}
    </ul>
  );
  if (isPlain) return <li>{inside}</li>;
  return (
    <li>
      <details open className="branch" data-testid="group">
        <summary>
          <Icon name="folder" /> <span className="branch-name">{name}</span>{" "}
          <span className="hint">{words.count(ids.length)}</span>
        </summary>
        {ids.length > 0 && (
          <div className="branch-all">
            <CheckField
              label={words.selectGroup(name)}
              checked={isAll}
              onChange={(on) => onChoose(withIds(chosen, ids, on))}
            />
          </div>
        )}
        {inside}
      </details>
    </li>
  );
}

function withIds(chosen: ReadonlySet<string>, ids: readonly string[], on: boolean): ReadonlySet<string> {
  const next = new Set(chosen);
  ids.forEach((id) => (on ? next.add(id) : next.delete(id)));
  return next;
}

function DeviceRows({ branch, ...props }: DeviceTreeProps & { readonly branch: DeviceBranch }) {
  const { device, channels } = branch;
  const rows = channels.map((channel) => (
    <ChannelRow key={channel.id} channel={channel} device={device} {...props} />
  ));
  if (channels.length < 2) return <>{rows}</>;
  const model = [device?.identity?.maker, device?.identity?.model].filter(Boolean).join(" ");
  return (
    <li>
      <p className="device-name">
        <Icon name="box" /> {model === "" ? device?.address : model}
      </p>
      <ul className="branches">{rows}</ul>
    </li>
  );
}

interface ChannelRowProps extends DeviceTreeProps {
  readonly channel: Channel;
  readonly device: Device | null;
}

function ChannelRow({ channel, device, chosen, shown, onChoose }: ChannelRowProps): ReactNode {
  return (
    <li className="channel-row" data-testid="camera-row" data-state={channel.state}>
      <CheckField
        label={words.select(channel.name)}
        isBare
        checked={chosen.has(channel.id)}
        onChange={(on) => onChoose(withIds(chosen, [channel.id], on))}
        testId="camera-tick"
      />
      <Link
        to={`/devices/${channel.id}`}
        go={go}
        className="channel-link"
        current={shown === channel.id}
        testId="camera-open"
      >
        <span className="channel-name">{channel.name}</span>
        <Standing channel={channel} device={device} />
        {(channel.place ?? "") !== "" && <span className="hint">{channel.place}</span>}
      </Link>
    </li>
  );
}
