/** People, rights, second factors, tokens and the audit, as the server's door answers (docs/design/api.md). */

import { client } from "./client";
import type { Result } from "./result";
import type { AuditEntry, Micros } from "./types";

export const ROLES = ["administrator", "operator", "viewer", "data_protection_officer"] as const;
export type RoleName = (typeof ROLES)[number];

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly created_us: Micros;
  readonly disabled_us: Micros | null;
  readonly is_invited: boolean;
  readonly second_factor: { readonly totp: boolean; readonly passkeys: number };
  readonly sessions: number;
}

export interface Invitation {
  readonly code: string;
  readonly expires_us: Micros;
}

export interface PermissionRow {
  readonly permission: string;
  readonly words: string;
  readonly roles: readonly string[];
}

export interface WeekSpan {
  /** 0 is Monday. */
  readonly weekday: number;
  readonly from_minute: number;
  readonly to_minute: number;
}

export interface TimeProfile {
  readonly name: string;
  readonly spans: readonly WeekSpan[];
}

export interface RoleGrant {
  readonly id: string;
  readonly role: string;
  readonly channel_id: string | null;
  readonly group_id: string | null;
  readonly profile: TimeProfile | null;
  readonly from_us: Micros | null;
  readonly until_us: Micros | null;
}

export interface GrantDraft {
  readonly role: string;
  readonly channel_id?: string;
  readonly group_id?: string;
  readonly profile?: TimeProfile;
  readonly until_us?: Micros;
}

export interface Group {
  readonly id: string;
  readonly name: string;
  readonly parent_id: string | null;
}

export interface SessionLine {
  readonly id: string;
  readonly created_us: Micros;
  readonly seen_us: Micros;
  readonly expires_us: Micros;
  readonly from_where: string;
  readonly is_this?: boolean;
}

export interface Sight {
  readonly principal: { readonly name: string; readonly roles: readonly string[] };
  readonly permissions: readonly string[];
  readonly channels: readonly {
    readonly id: string;
    readonly name: string;
    readonly permissions: readonly string[];
    readonly functions_by_purpose: Readonly<Record<string, readonly string[]>>;
  }[];
  readonly pages: readonly string[];
}

export interface TotpDraft {
  readonly secret: string;
  readonly uri: string;
  readonly qr_svg?: string | null;
}

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly added_us: Micros;
  readonly used_us: Micros | null;
}

export interface PasskeyTicket {
  readonly ticket: string;
  readonly options: unknown;
}

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly string[];
  readonly channel_ids: readonly string[] | null;
  readonly created_us: Micros;
  readonly expires_us: Micros;
  readonly used_us: Micros | null;
}

export interface AuditFilter {
  readonly who: string;
  readonly what: string;
  readonly text: string;
  readonly outcome: string;
  readonly fromUs: Micros | null;
  readonly toUs: Micros | null;
}

export interface AuditFound {
  readonly entries: readonly (AuditEntry & { readonly has_details?: boolean })[];
  readonly intact: boolean;
  readonly found?: number;
}

export interface AuditProof extends AuditEntry {
  readonly details: Readonly<Record<string, unknown>> | null;
  readonly link: string;
  readonly signature: string;
}

type Answer<T> = Promise<Result<T>>;

function at(...parts: readonly string[]): string {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

function queryOf(filter: AuditFilter): URLSearchParams {
  const query = new URLSearchParams();
  for (const key of ["who", "what", "text", "outcome"] as const) {
    if (filter[key] !== "") query.set(key, filter[key]);
  }
  if (filter.fromUs !== null) query.set("from_us", String(filter.fromUs));
  if (filter.toUs !== null) query.set("to_us", String(filter.toUs));
  return query;
}

export const people = {
  list: (signal?: AbortSignal): Answer<readonly Person[]> => client.json("GET", "/users", undefined, signal),
  invite: (name: string, roles: readonly string[]): Answer<{ user: Person; invitation: Invitation }> =>
    client.json("POST", "/users", { name, roles }),
  inviteAgain: (id: string): Answer<Invitation> => client.json("POST", at("users", id, "invitation")),
  change: (id: string, change: { roles?: readonly string[]; disabled?: boolean }): Answer<Person> =>
    client.json("PATCH", at("users", id), change),
  dropFactors: (id: string): Answer<unknown> => client.json("DELETE", at("users", id, "factors")),
  sessions: (id: string, signal?: AbortSignal): Answer<readonly SessionLine[]> =>
    client.json("GET", at("users", id, "sessions"), undefined, signal),
  endSession: (id: string, session: string): Answer<unknown> =>
    client.json("DELETE", at("users", id, "sessions", session)),
  grants: (id: string, signal?: AbortSignal): Answer<readonly RoleGrant[]> =>
    client.json("GET", at("users", id, "grants"), undefined, signal),
  grant: (id: string, draft: GrantDraft): Answer<RoleGrant> =>
    client.json("POST", at("users", id, "grants"), draft),
  endGrant: (id: string, grant: string): Answer<unknown> =>
    client.json("DELETE", at("users", id, "grants", grant)),
  sight: (id: string, signal?: AbortSignal): Answer<Sight> =>
    client.json("GET", at("users", id, "sight"), undefined, signal),
  permissions: (signal?: AbortSignal): Answer<readonly PermissionRow[]> =>
    client.json("GET", "/permissions", undefined, signal),
  groups: (signal?: AbortSignal): Answer<readonly Group[]> =>
    client.json("GET", "/groups", undefined, signal),
};

export const account = {
  sessions: (signal?: AbortSignal): Answer<readonly SessionLine[]> =>
    client.json("GET", "/me/sessions", undefined, signal),
  endSession: (id: string): Answer<unknown> => client.json("DELETE", at("me", "sessions", id)),
  setPassword: (old: string, fresh: string): Answer<unknown> =>
    client.json("POST", "/me/password", { old, new: fresh }),
  beginTotp: (password: string): Answer<TotpDraft> => client.json("POST", "/me/totp", { password }),
  confirmTotp: (code: string): Answer<{ recovery_codes: readonly string[] }> =>
    client.json("POST", "/me/totp/confirm", { code }),
  removeTotp: (password: string): Answer<unknown> => client.json("POST", "/me/totp/remove", { password }),
  passkeys: (signal?: AbortSignal): Answer<readonly Passkey[]> =>
    client.json("GET", "/me/passkeys", undefined, signal),
  beginPasskey: (password: string): Answer<PasskeyTicket> =>
    client.json("POST", "/me/passkeys/options", { password }),
  addPasskey: (ticket: string, name: string, credential: unknown): Answer<unknown> =>
    client.json("POST", "/me/passkeys", { ticket, name, credential }),
  removePasskey: (id: string): Answer<unknown> => client.json("DELETE", at("me", "passkeys", id)),
  beginSignIn: (): Answer<PasskeyTicket> => client.json("POST", "/session/passkey/options", {}),
  signInByPasskey: (ticket: string, credential: unknown): Answer<unknown> =>
    client.json("POST", "/session/passkey", { ticket, credential }),
  join: (code: string, password: string): Answer<unknown> =>
    client.json("POST", "/invitations", { code, password }),
  tokens: (signal?: AbortSignal): Answer<readonly Token[]> =>
    client.json("GET", "/tokens", undefined, signal),
  makeToken: (
    name: string,
    permissions: readonly string[],
    expiresUs: Micros,
  ): Answer<Token & { token: string }> =>
    client.json("POST", "/tokens", { name, permissions, expires_us: expiresUs }),
  endToken: (id: string): Answer<unknown> => client.json("DELETE", at("tokens", id)),
};

export const audit = {
  find: (
    filter: AuditFilter,
    limit: number,
    before: number | null,
    signal?: AbortSignal,
  ): Answer<AuditFound> => {
    const query = queryOf(filter);
    query.set("limit", String(limit));
    if (before !== null) query.set("before", String(before));
    return client.json("GET", `/audit?${query.toString()}`, undefined, signal);
  },
  entry: (sequence: number, signal?: AbortSignal): Answer<AuditProof> =>
    client.json("GET", `/audit/${sequence}`, undefined, signal),
  exportAddress: (filter: AuditFilter, format: "jsonl" | "csv"): string => {
    const query = queryOf(filter);
    query.set("format", format);
    return `/api/v1/audit/export?${query.toString()}`;
  },
};
