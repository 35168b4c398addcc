/** The site itself: pages of settings, the first run, the simulated town, the authority, the vault. */

import { client } from "./client";
import type { Result } from "./result";
import type { Micros } from "./types";

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface SettingsPage {
  readonly name: string;
  readonly title: string;
  readonly schema: JsonSchema;
  readonly value: Readonly<Record<string, unknown>>;
  readonly schema_version: number;
  readonly changed_us: Micros | null;
  readonly changed_by: string | null;
}

export interface TownCamera {
  readonly name: string;
  readonly address: string;
  readonly onvif_address: string | null;
}

export interface Town {
  readonly state: "absent" | "starting" | "running";
  readonly cameras: readonly TownCamera[];
}

export interface Authority {
  readonly fingerprint_sha256: string;
  readonly not_after_us: Micros;
  readonly names: readonly string[];
  readonly host_name: string | null;
}

export interface Vault {
  readonly state: "open" | "locked";
  readonly kind: "file" | "passphrase" | "pkcs11";
  readonly since_us: Micros | null;
}

export const siteApi = {
  settings: (signal?: AbortSignal): Promise<Result<readonly SettingsPage[]>> =>
    client.json("GET", "/settings", undefined, signal),
  changeSettings: (name: string, value: Readonly<Record<string, unknown>>): Promise<Result<SettingsPage>> =>
    client.json("PUT", `/settings/${encodeURIComponent(name)}`, { value }),
  finishFirstRun: (): Promise<Result<unknown>> => client.json("POST", "/first-run/done"),
  town: (signal?: AbortSignal): Promise<Result<Town>> => client.json("GET", "/simulator", undefined, signal),
  startTown: (): Promise<Result<Town>> => client.json("POST", "/simulator", {}),
  authority: (signal?: AbortSignal): Promise<Result<Authority>> =>
    client.json("GET", "/authority", undefined, signal),
  vault: (signal?: AbortSignal): Promise<Result<Vault>> => client.json("GET", "/vault", undefined, signal),
  unlockVault: (passphrase: string): Promise<Result<Vault>> =>
    client.json("POST", "/vault/unlock", { passphrase }),
  setVaultPassphrase: (fresh: string, old: string | null): Promise<Result<unknown>> =>
    client.json("POST", "/vault/passphrase", { new: fresh, ...(old === null ? {} : { old }) }),
};

/** Where the authority's certificate lies, by form. */
export const AUTHORITY_FILES = {
  pem: "/api/v1/authority.pem",
  der: "/api/v1/authority.der",
  mobileconfig: "/api/v1/authority.mobileconfig",
} as const;
