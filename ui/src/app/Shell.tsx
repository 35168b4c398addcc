import { lazy, Suspense, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { client, serverClock } from "../api/client";
import type { Session } from "../api/types";
import { go, useAddress } from "../kit/address";
import { Icon } from "../kit/icons";
import { Button, Link, Skeleton, StateBox } from "../kit/parts";
import { ShortcutContext, useShortcuts } from "../kit/shortcuts";
import { momentText, timeText, zoneName } from "../kit/time";
import { en } from "../text/en";
import { AlarmContext } from "../widgets/alarms/useAlarms";
import { isFirstRunLeft } from "../widgets/firstRun";
import { SiteContext, useAsked, type Site } from "../widgets/site";
import { AccountMenu } from "./AccountMenu";
import { AlarmBanner, AlarmCounter, AlarmProvider } from "./Alarming";
import { KeysDialog } from "./KeysDialog";
import { PurposeField } from "./PurposeField";
import { ROUTES, routeOf } from "./routes";
import { SeeingLine } from "./SeeingLine";
import { createShortcuts } from "./shortcuts";
import { FirstRunBanner, VaultBanner } from "./Banners";

const FirstRunPage = lazy(async () => ({
  default: (await import("../pages/firstrun/FirstRunPage")).FirstRunPage,
}));
const FIRST_RUN = "/first-run";

interface Said {
  readonly words: string;
  readonly undo: (() => void) | null;
}

const NOTHING_SAID: Said = { words: "", undo: null };

interface ShellProps {
  readonly session: Session;
  readonly onSignedOut: () => void;
  readonly onReload: () => void;
  readonly onSignOut: () => void;
}

const PURPOSE_KEPT = "civiscope.purpose";
const CHANNELS_EVERY_MS = 3_000;

function keptPurpose(session: Session): string | null {
  const kept = sessionStorage.getItem(`${PURPOSE_KEPT}.${session.principal.id}`);
  return session.purposes.find((one) => one.id === kept)?.id ?? null;
}

function needsFirstRun(session: Session): boolean {
  return session.site.first_run_done === false && session.permissions.includes("system.manage");
}

export function Shell({ session, onSignedOut, onReload, onSignOut }: ShellProps) {
  const [purpose, setPurposeState] = useState(() => keptPurpose(session));
  const [said, setSaid] = useState<Said>(NOTHING_SAID);
  const [shortcuts] = useState(createShortcuts);
  const channels = useAsked((signal) => client.channels(signal), "channels", CHANNELS_EVERY_MS);

  useEffect(() => shortcuts.listen(window), [shortcuts]);
  const isWanted = needsFirstRun(session);
  useEffect(() => {
    // Only from the front door: who asked for a page of their own gets it.
    if (isWanted && !isFirstRunLeft() && location.pathname === "/") go(FIRST_RUN);
  }, [isWanted]);
  useEffect(() => {
    if (said.words === "") return undefined;
    const timer = setTimeout(() => setSaid(NOTHING_SAID), said.undo === null ? 8_000 : 30_000);
    return () => clearTimeout(timer);
  }, [said]);
  const setPurpose = useCallback(
    (id: string | null) => {
      sessionStorage.setItem(`${PURPOSE_KEPT}.${session.principal.id}`, id ?? "");
      setPurposeState(id);
    },
    [session.principal.id],
  );
  const site = useMemo<Site>(
    () => ({
      session,
      zone: session.site.time_zone,
      purpose,
      setPurpose,
      channels,
      can: (permission) => session.permissions.includes(permission),
      onSignedOut,
      reload: onReload,
      say: (words, undo) => setSaid({ words, undo: undo ?? null }),
    }),
    [session, purpose, setPurpose, channels, onSignedOut, onReload],
  );

  return (
    <ShortcutContext value={shortcuts.registry}>
      <SiteContext value={site}>
        <AlarmProvider site={site}>
          <Stage site={site} said={said} onHeard={() => setSaid(NOTHING_SAID)} onSignOut={onSignOut} />
        </AlarmProvider>
      </SiteContext>
    </ShortcutContext>
  );
}

interface FrameProps {
  readonly site: Site;
  readonly said: Said;
  readonly onHeard: () => void;
  readonly onSignOut: () => void;
}

/** The wizard has the whole screen; everything else stands in the frame. */
function Stage(props: FrameProps) {
  const { pathname } = useAddress();
  // At the front door the wizard is there at once, not after a flash of the frame.
  const isFront = pathname === "/" && needsFirstRun(props.site.session) && !isFirstRunLeft();
  if (pathname !== FIRST_RUN && !isFront) return <Frame {...props} />;
  return (
    <>
      <Suspense fallback={<Skeleton rows={6} label={en.common.loading} />}>
        <FirstRunPage />
      </Suspense>
      <SaidBox said={props.said} onHeard={props.onHeard} />
    </>
  );
}

function SaidBox({ said, onHeard }: { readonly said: Said; readonly onHeard: () => void }) {
  return (
    <div className="said" role="status" aria-live="polite" data-testid="said">
      {said.words}
      {said.undo !== null && (
        <Button
          onClick={() => {
            said.undo?.();
            onHeard();
          }}
          testId="undo"
        >
          {en.common.undo}
        </Button>
      )}
    </div>
  );
}

function Frame({ site, said, onHeard, onSignOut }: FrameProps) {
  const { pathname } = useAddress();
  const route = routeOf(pathname);
  const [isKeys, setKeys] = useState(false);
  const alarming = useContext(AlarmContext);
  useEffect(() => {
    document.title = `${route?.name ?? en.product} · ${site.session.site.name}`;
  }, [route, site.session.site.name]);
  useShortcuts(en.keys.everywhere, [
    ...ROUTES.map(
      ({ path, name }, index) => [String(index + 1), en.keys.page(name), () => go(path)] as const,
    ),
    ["?", en.keys.help, () => setKeys(true)],
  ]);
  const Page = route?.page;
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {en.skip}
      </a>
      <nav className="rail" aria-label={en.pages.rail}>
        {ROUTES.map(({ path, name, sign }, index) => (
          <Link
            key={path}
            to={path}
            go={go}
            className="rail-item"
            current={route?.path === path}
            testId={`page-${path.slice(1)}`}
          >
            <span className="rail-sign">
              <Icon name={sign} />
            </span>
            <span>{name}</span>
            <kbd aria-hidden="true">{index + 1}</kbd>
          </Link>
        ))}
      </nav>
      <header className="top">
        <strong className="top-site">{site.session.site.name}</strong>
        <PurposeField />
        <span className="top-space" />
        {alarming !== null && <AlarmCounter alarming={alarming} />}
        <LinkState channels={site.channels} />
        <Clock zone={site.zone} />
        <AccountMenu name={site.session.principal.name} onKeys={() => setKeys(true)} onSignOut={onSignOut} />
      </header>
      <div className="banners">
        <StaleBanner channels={site.channels} zone={site.zone} />
        {alarming !== null && <AlarmBanner alarming={alarming} zone={site.zone} />}
        <VaultBanner />
        {needsFirstRun(site.session) && <FirstRunBanner />}
      </div>
      <main className="main" id="main" tabIndex={-1}>
        {Page === undefined ? (
          <StateBox title={en.common.notFound}>
            <Link to="/live" go={go} className="button">
              {en.common.goLive}
            </Link>
          </StateBox>
        ) : (
          <Suspense fallback={<Skeleton rows={6} label={en.common.loading} />}>
            <Page />
          </Suspense>
        )}
      </main>
      <SeeingLine />
      <SaidBox said={said} onHeard={onHeard} />
      {isKeys && <KeysDialog onClose={() => setKeys(false)} />}
    </div>
  );
}

function isDown(channels: Site["channels"]): boolean {
  return channels.problem !== null && ["offline", "timeout"].includes(channels.problem.kind);
}

function LinkState({ channels }: { readonly channels: Site["channels"] }) {
  const down = isDown(channels);
  return (
    <span className={down ? "verdict is-bad" : "verdict is-good"} data-testid="link">
      <Icon name={down ? "alarm" : "dot"} />
      <span className="link-words"> {down ? en.shell.linkDown : en.shell.linkUp}</span>
    </span>
  );
}

function StaleBanner({ channels, zone }: { readonly channels: Site["channels"]; readonly zone: string }) {
  if (!isDown(channels)) return null;
  return (
    <div className="stale" role="alert" data-testid="stale">
      <Icon name="alarm" />{" "}
      {en.shell.linkDownLong(
        channels.answeredUs === null ? en.common.none : timeText(channels.answeredUs, zone),
      )}
    </div>
  );
}

function Clock({ zone }: { readonly zone: string }) {
  const [nowUs, setNowUs] = useState(() => serverClock.nowUs());
  useEffect(() => {
    const timer = setInterval(() => setNowUs(serverClock.nowUs()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time className="clock" title={`${en.shell.clock}: ${zone}`} data-testid="clock">
      {momentText(nowUs, zone)} {zoneName(zone, nowUs)}
    </time>
  );
}
