/** What the server's HTTP door answers (docs/design/api.md). Times are integer microseconds UTC. */

export type Micros = number;

export interface Principal {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
}

export interface Purpose {
  readonly id: string;
  readonly title: string;
  readonly legal_basis: string;
  readonly functions: readonly string[];
}

export interface Site {
  readonly id: string;
  readonly name: string;
  readonly time_zone: string;
  readonly host_name?: string;
  readonly jurisdiction?: string;
  readonly first_run_done?: boolean;
}

export interface Session {
  readonly principal: Principal;
  readonly permissions: readonly string[];
  readonly csrf_token: string;
  readonly site: Site;
  readonly purposes: readonly Purpose[];
  readonly server_time_us: Micros;
  readonly second_factor?: {
    readonly totp: boolean;
    readonly passkeys: number;
    readonly recovery_left: number;
  };
  readonly passkeys_possible?: boolean;
}

export interface SetupState {
  readonly needed: boolean;
  readonly site_name: string;
}

export interface Stream {
  readonly id: string;
  readonly profile: string;
  readonly codec: string | null;
  readonly width_px: number | null;
  readonly height_px: number | null;
  readonly fps: number | null;
  readonly bitrate_bps: number | null;
  readonly has_audio: boolean;
}

export type ChannelState = "recording" | "connecting" | "lost" | "stopped";

export interface Channel {
  readonly id: string;
  readonly name: string;
  readonly device_id: string;
  readonly address: string;
  readonly streams: readonly Stream[];
  readonly state: ChannelState;
  readonly since_us: Micros | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly last_unit_us: Micros | null;
  readonly mse_type: string | null;
  readonly place?: string | null;
  readonly latitude?: number | null;
  readonly longitude?: number | null;
  readonly purpose?: string | null;
  readonly group_id?: string | null;
  readonly driver?: string | null;
  readonly can_steer?: boolean;
  /** Its own time of keeping, in hours; null: by its purpose, or the site's. */
  readonly keep_hours?: number | null;
}

export interface CameraAddress {
  readonly address: string;
  readonly username?: string;
  readonly password?: string;
  readonly transport?: "auto" | "tcp" | "udp";
}

export interface CameraDraft extends CameraAddress {
  readonly name: string;
  readonly audio?: boolean;
}

export interface ProbedTrack {
  readonly kind?: string;
  readonly codec: string;
  readonly width_px?: number | null;
  readonly height_px?: number | null;
  readonly sample_rate_hz?: number | null;
}

export interface Probed {
  readonly tracks: readonly ProbedTrack[];
  readonly picture_jpeg_base64: string | null;
  readonly took_ms: number;
  readonly sends_password_in_clear?: boolean;
}

export interface RecordedSpan {
  readonly start_us: Micros;
  readonly end_us: Micros;
  readonly lane: number;
}

export interface GapSpan {
  readonly start_us: Micros;
  readonly end_us: Micros | null;
  readonly reason: string;
  readonly detail: string;
}

export interface ChannelTimeline {
  readonly id: string;
  readonly recorded: readonly RecordedSpan[];
  readonly gaps: readonly GapSpan[];
}

export interface Timeline {
  readonly channels: readonly ChannelTimeline[];
  readonly now_us: Micros;
}

export type LookKind = "live" | "playback" | "export";

export interface LookWish {
  readonly channel_id: string;
  readonly purpose: string;
  readonly kind: LookKind;
  readonly from_us?: Micros;
  readonly to_us?: Micros;
  readonly presentation: "raw" | "covered";
  /** This screen cannot play H.265: live, such a camera is shown another way, and it is said. */
  readonly needs_h264?: boolean;
}

/** The server's side of a WebRTC viewer. */
export interface WhepAnswer {
  readonly sdp: string;
  readonly place: string;
}

/** The picture sent last over WebRTC: its RTP timestamp (90 kHz, modulo 2³²) and its arrival at the server. */
export interface SentPicture {
  readonly rtp_timestamp: number;
  readonly arrival_us: Micros;
}

export interface Look {
  readonly id: string;
  readonly kind: LookKind;
  readonly channel_id: string;
  readonly mse_type: string | null;
  readonly epoch_us: Micros;
  readonly expires_us: Micros;
}

export interface AuditEntry {
  readonly sequence: number;
  readonly at_us: Micros;
  readonly who: string;
  readonly what: string;
  readonly object: string;
  readonly why: string;
  readonly outcome: string;
  readonly from_where: string;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly intact: boolean;
}

export interface ProcessStatus {
  readonly role: string;
  readonly state: string;
  readonly pid: number | null;
  readonly since_us: Micros | null;
  readonly restarts: number;
}

export interface VolumeStatus {
  readonly path: string;
  readonly free_bytes: number;
  readonly used_bytes: number;
  readonly state: string;
  /** Until recordings go before their time; null: they need not, or it is not known yet. */
  readonly hours_left: number | null;
  /** How far back all can be kept when the room is used up. */
  readonly reach_hours: number | null;
}

export interface SystemStatus {
  readonly processes: readonly ProcessStatus[];
  readonly streams: readonly Readonly<Record<string, unknown>>[];
  readonly volumes: readonly VolumeStatus[];
}
