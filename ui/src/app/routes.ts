/** Which page stands at which path, in the order of the rail's digits. */

import { lazy, type ComponentType } from "react";
import type { IconName } from "../kit/icons";
import { LivePage } from "../pages/live/LivePage";
import { en } from "../text/en";
import { exportsText } from "../text/exports";
import { accountText, peopleText } from "../text/people";

// Live comes with the first load; the other pages when they are first asked for.
const PlaybackPage = lazy(async () => ({
  default: (await import("../pages/playback/PlaybackPage")).PlaybackPage,
}));
const AlarmsPage = lazy(async () => ({ default: (await import("../pages/alarms/AlarmsPage")).AlarmsPage }));
const RulesPage = lazy(async () => ({ default: (await import("../pages/rules/RulesPage")).RulesPage }));
const DevicesPage = lazy(async () => ({
  default: (await import("../pages/devices/DevicesPage")).DevicesPage,
}));
const SettingsPage = lazy(async () => ({
  default: (await import("../pages/settings/SettingsPage")).SettingsPage,
}));
const AuditPage = lazy(async () => ({ default: (await import("../pages/audit/AuditPage")).AuditPage }));
const HealthPage = lazy(async () => ({ default: (await import("../pages/health/HealthPage")).HealthPage }));

const PeoplePage = lazy(async () => ({ default: (await import("../pages/people/PeoplePage")).PeoplePage }));
const ExportsPage = lazy(async () => ({
  default: (await import("../pages/exports/ExportsPage")).ExportsPage,
}));
const AccountPage = lazy(async () => ({
  default: (await import("../pages/account/AccountPage")).AccountPage,
}));

export interface Route {
  readonly path: string;
  readonly name: string;
  readonly sign: IconName;
  readonly page: ComponentType;
}

export const ROUTES: readonly Route[] = [
  { path: "/live", name: en.pages.live, sign: "live", page: LivePage },
  { path: "/playback", name: en.pages.playback, sign: "playback", page: PlaybackPage },
  { path: "/alarms", name: en.pages.alarms, sign: "alarm", page: AlarmsPage },
  { path: "/devices", name: en.pages.devices, sign: "camera", page: DevicesPage },
  { path: "/rules", name: en.pages.rules, sign: "rule", page: RulesPage },
  { path: "/people", name: peopleText.title, sign: "person", page: PeoplePage },
  { path: "/audit", name: en.pages.audit, sign: "list", page: AuditPage },
  { path: "/health", name: en.pages.health, sign: "health", page: HealthPage },
  { path: "/settings", name: en.pages.settings, sign: "gear", page: SettingsPage },
];

/** Pages that no digit of the rail leads to. */
const ASIDE: readonly Route[] = [
  { path: "/exports", name: exportsText.title, sign: "playback", page: ExportsPage },
  { path: "/account", name: accountText.title, sign: "person", page: AccountPage },
];

/** A page keeps all addresses below its path: `/devices/add` is Devices. */
export function routeOf(path: string): Route | null {
  if (path === "/") return ROUTES[0] ?? null;
  const found = [...ROUTES, ...ASIDE].find(
    (route) => path === route.path || path.startsWith(`${route.path}/`),
  );
  return found ?? null;
}
