/** Which page stands at which path, in the order of the rail's digits. */

import { lazy, type ComponentType } from "react";
import { LivePage } from "../pages/live/LivePage";
import { en } from "../text/en";

// Live comes with the first load; the other pages when they are first asked for.
const PlaybackPage = lazy(async () => ({
  default: (await import("../pages/playback/PlaybackPage")).PlaybackPage,
}));
const CamerasPage = lazy(async () => ({
  default: (await import("../pages/cameras/CamerasPage")).CamerasPage,
}));
const AuditPage = lazy(async () => ({ default: (await import("../pages/audit/AuditPage")).AuditPage }));
const HealthPage = lazy(async () => ({ default: (await import("../pages/health/HealthPage")).HealthPage }));

export interface Route {
  readonly path: string;
  readonly name: string;
  readonly sign: string;
  readonly page: ComponentType;
}

export const ROUTES: readonly Route[] = [
  { path: "/live", name: en.pages.live, sign: "◉", page: LivePage },
  { path: "/playback", name: en.pages.playback, sign: "▷", page: PlaybackPage },
  { path: "/cameras", name: en.pages.cameras, sign: "▣", page: CamerasPage },
  { path: "/audit", name: en.pages.audit, sign: "☰", page: AuditPage },
  { path: "/health", name: en.pages.health, sign: "✚", page: HealthPage },
];

export function routeOf(path: string): Route | null {
  if (path === "/") return ROUTES[0] ?? null;
  return ROUTES.find((route) => path === route.path) ?? null;
}
