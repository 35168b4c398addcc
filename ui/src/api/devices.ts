/** Devices as the server's door answers: found, tried, added, watched, steered (docs/design/devices.md). */

import { client } from "./client";
import type { TimeProfile } from "./people";
import type { Problem, Result } from "./result";
import type { Channel, Micros } from "./types";

export type TransportName = "auto" | "tcp" | "udp";

/** How to reach a device; empty words are left out of what is sent. */
export interface Reach {
  readonly address: string;
  readonly driver?: string;
  readonly username?: string;
  readonly password?: string;
  readonly transport?: TransportName;
  readonly tls_fingerprint?: string;
}

export interface Trouble {
  readonly code: string;
  readonly words: string;
  readonly advice: string;
  readonly fingerprint: string | null;
}

export interface Identity {
  readonly maker: string;
  readonly model: string;
  readonly firmware: string;
  readonly serial: string;
  readonly hardware: string;
}

export interface OfferedStream {
  readonly profile: string;
  readonly codec: string | null;
  readonly width_px: number | null;
  readonly height_px: number | null;
  readonly fps: number | null;
}

export interface OfferedInput {
  readonly index: number;
  readonly name: string;
  readonly has_ptz: boolean;
  readonly has_audio: boolean;
  readonly streams: readonly OfferedStream[];
}

export interface Warning {
  readonly code: string;
  readonly words: string;
}

export interface Tried {
  readonly verdict: "good" | "trouble";
  readonly trouble: Trouble | null;
  readonly driver: string | null;
  readonly address: string;
  readonly identity: Identity | null;
  readonly clock_offset_ms: number | null;
  readonly abilities: readonly string[];
  readonly inputs: readonly OfferedInput[];
  readonly picture_jpeg_base64: string | null;
  readonly took_ms: number;
  readonly transport: string | null;
  readonly sends_password_in_clear: boolean;
  readonly warnings: readonly Warning[];
}

export interface FoundDevice {
  readonly driver: string;
  readonly endpoint: string;
  readonly addresses: readonly string[];
  readonly name: string;
  readonly maker: string;
  readonly hardware: string;
  readonly known_device_id: string | null;
}

export interface Discovered {
  readonly devices: readonly FoundDevice[];
  readonly took_ms: number;
}

export interface ChannelDraft {
  readonly input: number;
  readonly name: string;
  readonly place?: string;
  readonly latitude?: number;
  readonly longitude?: number;
  readonly purpose?: string;
  readonly group_id?: string;
  readonly audio?: boolean;
}

export interface Drift {
  readonly input: number;
  readonly setting: string;
  readonly wanted: string;
  readonly found: string;
}

export interface EncoderWish {
  readonly codec: string;
  readonly width_px: number;
  readonly height_px: number;
  readonly fps: number;
  readonly is_variable_bitrate: boolean;
  readonly gop_s: number;
  readonly bitrate_bps: number | null;
}

export interface Desired {
  readonly sub: EncoderWish | null;
  readonly main: EncoderWish | null;
  readonly clock: boolean;
  readonly ntp_server: string | null;
}

export interface Device {
  readonly id: string;
  readonly driver: string;
  readonly address: string;
  readonly username: string | null;
  readonly identity: Identity | null;
  readonly abilities: readonly string[];
  readonly channel_ids: readonly string[];
  readonly drift: readonly Drift[];
  readonly checked_us: Micros | null;
  readonly clock_offset_ms: number | null;
  readonly desired: Desired | null;
  readonly added_us: Micros | null;
  readonly trouble: Trouble | null;
}

export interface Group {
  readonly id: string;
  readonly name: string;
  readonly parent_id: string | null;
}

export interface DevicePurpose {
  readonly id: string;
  readonly title: string;
  readonly legal_basis: string;
}

export interface Notice {
  readonly at_us: Micros;
  readonly topic: string;
  readonly operation: string;
  readonly source: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly data: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
}

export interface ImportRow {
  readonly line: number;
  readonly draft: {
    readonly name: string;
    readonly address: string;
    readonly username: string | null;
    readonly has_password: boolean;
    readonly place?: string | null;
    readonly purpose?: string | null;
    readonly group?: string | null;
  } | null;
  readonly problem: string | null;
}

export interface Imported {
  readonly line: number;
  readonly channel_id: string | null;
  readonly trouble: Trouble | null;
  readonly problem: string | null;
}

export interface ChannelChange {
  readonly name?: string;
  readonly audio?: boolean;
  readonly place?: string | null;
  readonly latitude?: number | null;
  readonly longitude?: number | null;
  readonly purpose?: string | null;
  readonly group_id?: string | null;
  readonly keep_hours?: number | null;
}

export interface RecordingPolicy {
  readonly mode: "continuous" | "schedule" | "on_event";
  readonly hours: TimeProfile | null;
  readonly pre_roll_s: number;
  readonly post_roll_s: number;
}

export interface DeviceChange extends Partial<Reach> {
  readonly desired?: Desired;
}

export interface PtzStatus {
  readonly pan: number | null;
  readonly tilt: number | null;
  readonly zoom: number | null;
  readonly is_moving: boolean;
  readonly presets: readonly { readonly token: string; readonly name: string }[];
}

export type PtzWish =
  | {
      readonly move: {
        readonly pan: number;
        readonly tilt: number;
        readonly zoom: number;
        readonly for_s: number;
      };
    }
  | { readonly stop: true }
  | { readonly preset: string }
  | { readonly keep: string };

export interface Binding {
  readonly device_id: string;
  readonly input: number;
  readonly from_us: Micros;
  readonly to_us: Micros | null;
}

const part = encodeURIComponent;

export const devicesApi = {
  purposes: (signal?: AbortSignal): Promise<Result<readonly DevicePurpose[]>> =>
    client.json("GET", "/purposes", undefined, signal),
  discover: (listenS: number, signal?: AbortSignal): Promise<Result<Discovered>> =>
    client.json("POST", "/devices/discover", { listen_s: listenS }, signal),
  tryOut: (reach: Reach, input: number, signal?: AbortSignal): Promise<Result<Tried>> =>
    client.json("POST", "/devices/try", { ...reach, input }, signal),
  add: (
    reach: Reach,
    channels: readonly ChannelDraft[],
  ): Promise<Result<{ readonly device: Device; readonly channels: readonly Channel[] }>> =>
    client.json("POST", "/devices", { ...reach, channels }),
  list: (signal?: AbortSignal): Promise<Result<readonly Device[]>> =>
    client.json("GET", "/devices", undefined, signal),
  change: (id: string, change: DeviceChange): Promise<Result<Device>> =>
    client.json("PATCH", `/devices/${part(id)}`, change),
  check: (id: string): Promise<Result<Device>> => client.json("POST", `/devices/${part(id)}/check`),
  configure: (id: string): Promise<Result<Device>> => client.json("POST", `/devices/${part(id)}/configure`),
  notices: (id: string, signal?: AbortSignal): Promise<Result<readonly Notice[]>> =>
    client.json("GET", `/devices/${part(id)}/notifications`, undefined, signal),
  readCsv: (csv: string): Promise<Result<{ readonly rows: readonly ImportRow[] }>> =>
    client.json("POST", "/devices/import/read", { csv }),
  importLines: (csv: string, lines: readonly number[]): Promise<Result<readonly Imported[]>> =>
    client.json("POST", "/devices/import", { csv, lines }),
  editChannel: (id: string, change: ChannelChange): Promise<Result<Channel>> =>
    client.json("PATCH", `/cameras/${part(id)}`, change),
  editChannels: (
    ids: readonly string[],
    change: ChannelChange,
  ): Promise<Result<{ readonly changed: number }>> => client.json("PATCH", "/channels", { ids, change }),
  recording: (channelId: string, signal?: AbortSignal): Promise<Result<RecordingPolicy>> =>
    client.json("GET", `/channels/${part(channelId)}/recording`, undefined, signal),
  setRecording: (channelId: string, policy: RecordingPolicy): Promise<Result<RecordingPolicy>> =>
    client.json("PUT", `/channels/${part(channelId)}/recording`, policy),
  recordNow: (channelId: string, seconds: number): Promise<Result<{ readonly until_us: Micros }>> =>
    client.json("POST", `/channels/${part(channelId)}/record`, { seconds }),
  replace: (channelId: string, reach: Reach, input: number): Promise<Result<Channel>> =>
    client.json("POST", `/cameras/${part(channelId)}/replace`, { ...reach, input }),
  bindings: (channelId: string, signal?: AbortSignal): Promise<Result<readonly Binding[]>> =>
    client.json("GET", `/cameras/${part(channelId)}/bindings`, undefined, signal),
  groups: (signal?: AbortSignal): Promise<Result<readonly Group[]>> =>
    client.json("GET", "/groups", undefined, signal),
  addGroup: (name: string, parentId: string | null): Promise<Result<Group>> =>
    client.json("POST", "/groups", { name, parent_id: parentId }),
  editGroup: (
    id: string,
    change: { readonly name?: string; readonly parent_id?: string | null },
  ): Promise<Result<Group>> => client.json("PATCH", `/groups/${part(id)}`, change),
  removeGroup: (id: string): Promise<Result<unknown>> => client.json("DELETE", `/groups/${part(id)}`),
  ptz: (channelId: string, signal?: AbortSignal): Promise<Result<PtzStatus>> =>
    client.json("GET", `/cameras/${part(channelId)}/ptz`, undefined, signal),
  steer: (channelId: string, wish: PtzWish, signal?: AbortSignal): Promise<Result<PtzStatus>> =>
    client.json("POST", `/cameras/${part(channelId)}/ptz`, wish, signal),
};

/** The trouble inside a refused answer (`POST /devices`, `…/replace`), where there is one. */
export function troubleOf(problem: Problem): Trouble | null {
  const found = problem.more?.["trouble"];
  if (typeof found !== "object" || found === null) return null;
  const { code, words, advice, fingerprint } = found as Partial<Trouble>;
  return {
    code: code ?? "",
    words: words ?? problem.message,
    advice: advice ?? "",
    fingerprint: fingerprint ?? null,
  };
}
