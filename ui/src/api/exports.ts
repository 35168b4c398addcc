/** Exports, as the server's door answers (docs/design/api.md). */

import { client } from "./client";
import type { Result } from "./result";
import type { Micros } from "./types";

export type ExportState = "waiting" | "running" | "done" | "failed" | "expired";

export interface ExportWish {
  readonly channels: readonly string[];
  readonly from_us: Micros;
  readonly to_us: Micros;
  readonly kind: string;
  readonly purpose: string;
  readonly reason: string;
  readonly case: string;
}

export interface ExportJob extends ExportWish {
  readonly id: string;
  readonly state: ExportState;
  readonly words: string;
  readonly done_permille: number;
  readonly made_us: Micros;
  readonly finished_us: Micros | null;
  readonly expires_us: Micros | null;
  readonly size_bytes: number;
  readonly fetches: number;
}

const ROOT = "/api/v1/exports";

export const exportsApi = {
  mine: (signal?: AbortSignal): Promise<Result<readonly ExportJob[]>> =>
    client.json("GET", "/exports", undefined, signal),
  ask: (wish: ExportWish): Promise<Result<ExportJob>> => client.json("POST", "/exports", wish),
  remove: (id: string): Promise<Result<null>> => client.json("DELETE", `/exports/${encodeURIComponent(id)}`),
  /** Where the browser itself fetches the file from. */
  fileAddress: (id: string): string => `${ROOT}/${encodeURIComponent(id)}/file`,
};
