/** How much of each month was recorded of what should have been. */

import { client } from "./client";
import type { Result } from "./result";
import type { Micros } from "./types";

export interface ReasonSum {
  readonly reason: string;
  readonly duration_us: number;
}

export interface ChannelAvailability {
  readonly id: string;
  readonly name: string;
  /** 0 to 1; null when nothing was due. */
  readonly share: number | null;
  readonly due_us: number;
  readonly recorded_us: number;
  readonly missing: readonly ReasonSum[];
  readonly not_due: readonly ReasonSum[];
}

export interface Month {
  readonly month: string;
  readonly from_us: Micros;
  readonly to_us: Micros;
  readonly now_us: Micros;
  readonly channels: readonly ChannelAvailability[];
}

export const availability = {
  month: (month: string, signal?: AbortSignal): Promise<Result<Month>> =>
    client.json("GET", `/availability?month=${month}`, undefined, signal),
  exportAddress: (month: string): string => `/api/v1/availability/export?month=${month}`,
};
