/** Groups, devices and channels as the tree shows them; how a camera stands, in one word. Pure. */

import type { Device, Group } from "../api/devices";
import type { Channel } from "../api/types";

/** "City / Old town / Market": groups above first. A ring in the data ends instead of running on. */
export function groupPath(groups: readonly Group[], id: string | null): string {
  const names: string[] = [];
  const seen = new Set<string>();
  let now = groups.find((one) => one.id === id);
  while (now !== undefined && !seen.has(now.id)) {
    seen.add(now.id);
    names.unshift(now.name);
    const parent: string | null = now.parent_id;
    now = groups.find((one) => one.id === parent);
  }
  return names.join(" / ");
}

/** The group itself and all below it: it can be moved into none of them. */
export function below(groups: readonly Group[], id: string): ReadonlySet<string> {
  const found = new Set([id]);
  let grew = true;
  while (grew) {
    const more = groups.filter(
      (one) => one.parent_id !== null && found.has(one.parent_id) && !found.has(one.id),
    );
    more.forEach((one) => found.add(one.id));
    grew = more.length > 0;
  }
  return found;
}

export interface DeviceBranch {
  readonly device: Device | null;
  readonly channels: readonly Channel[];
}

export interface GroupBranch {
  /** null: channels without a group. */
  readonly group: Group | null;
  readonly devices: readonly DeviceBranch[];
  readonly groups: readonly GroupBranch[];
  /** Channels here and below. */
  readonly channelIds: readonly string[];
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name.localeCompare(other.name, undefined, { numeric: true });
}

function devicesOf(channels: readonly Channel[], devices: readonly Device[]): readonly DeviceBranch[] {
  const byDevice = new Map<string, Channel[]>();
  for (const channel of [...channels].sort(byName)) {
    byDevice.set(channel.device_id, [...(byDevice.get(channel.device_id) ?? []), channel]);
  }
  return [...byDevice].map(([id, some]) => ({
    device: devices.find((one) => one.id === id) ?? null,
    channels: some,
  }));
}

/** group → device → channels; what matches no group stands at the end; empty groups stay, they can be filled. */
export function treeOf(
  channels: readonly Channel[],
  devices: readonly Device[],
  groups: readonly Group[],
): readonly GroupBranch[] {
  const known = new Set(groups.map((one) => one.id));
  const branch = (group: Group, above: ReadonlySet<string>): GroupBranch => {
    const seen = new Set([...above, group.id]);
    const inside = groups
      .filter((one) => one.parent_id === group.id && !seen.has(one.id))
      .sort(byName)
      .map((one) => branch(one, seen));
    const own = channels.filter((one) => one.group_id === group.id);
    return {
      group,
      devices: devicesOf(own, devices),
      groups: inside,
      channelIds: [...own.map((one) => one.id), ...inside.flatMap((one) => one.channelIds)],
    };
  };
  const tops = groups
    .filter((one) => one.parent_id === null || !known.has(one.parent_id))
    .sort(byName)
    .map((one) => branch(one, new Set()));
  const loose = channels.filter((one) => one.group_id == null || !known.has(one.group_id));
  if (loose.length === 0) return tops;
  const rest: GroupBranch = {
    group: null,
    devices: devicesOf(loose, devices),
    groups: [],
    channelIds: loose.map((one) => one.id),
  };
  return [...tops, rest];
}

/** Every word of the search stands somewhere in what is known of the camera. */
export function matches(
  channel: Channel,
  device: Device | null,
  groups: readonly Group[],
  words: string,
): boolean {
  const identity = device?.identity;
  const text = [
    channel.name,
    channel.address,
    channel.place ?? "",
    groupPath(groups, channel.group_id ?? null),
    identity?.maker ?? "",
    identity?.model ?? "",
    identity?.serial ?? "",
    device?.driver ?? "",
  ]
    .join(" ")
    .toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

export type StandingKind = "recording" | "connecting" | "lost" | "stopped" | "trouble" | "drift" | "clock";

const CLOCK_LIMIT_MS = 2_000;

/** How a camera stands: the worst first, then what a person should look at. */
export function standingsOf(channel: Channel, device: Device | null): readonly StandingKind[] {
  const found: StandingKind[] = [channel.state];
  if (device === null) return found;
  if (device.trouble !== null) found.push("trouble");
  if (device.drift.length > 0) found.push("drift");
  if (device.clock_offset_ms !== null && Math.abs(device.clock_offset_ms) > CLOCK_LIMIT_MS)
    found.push("clock");
  return found;
}
