import { useEffect, useMemo, useState, type ReactNode } from "react";
import { alarmsApi } from "../api/alarms";
import { openAlarmSocket } from "../api/alarmSocket";
import { serverClock } from "../api/client";
import { go } from "../kit/address";
import { Icon } from "../kit/icons";
import { Button, Link } from "../kit/parts";
import { timeText } from "../kit/time";
import { alarmsText as words } from "../text/alarms";
import { AlarmDesk, type News } from "../widgets/alarms/alarmDesk";
import { AlarmSound } from "../widgets/alarms/alarmSound";
import { AlarmContext, useBoard, useSound, type Alarming } from "../widgets/alarms/useAlarms";
import type { Site } from "../widgets/site";

/** Several in a breath are announced as one. */
const ANNOUNCE_AFTER_MS = 700;
const COUNTED_MOST = 9;

interface Heard {
  readonly waiting: readonly News[];
  readonly said: string;
}

function announced(news: readonly News[], site: Site): string {
  const [first] = news;
  if (first === undefined) return "";
  if (news.length > 1) return words.announceMany(news.length);
  if (first.isRaised) return words.announceRaised(first.alarm.title);
  const camera = site.channels.value?.find((one) => one.id === first.alarm.channel_id)?.name ?? "";
  return words.announce(first.alarm.title, camera);
}

/** Subscribes to alarms for the whole page, sounds once, and says each once to who listens instead of looking. */
export function AlarmProvider({ site, children }: { readonly site: Site; readonly children: ReactNode }) {
  const [heard, setHeard] = useState<Heard>({ waiting: [], said: "" });
  const { onSignedOut } = site;
  const isAllowed = site.can("alarm.handle");
  const alarming = useMemo<Alarming | null>(() => {
    if (!isAllowed) return null;
    const sound = new AlarmSound();
    const desk = new AlarmDesk({
      openSocket: openAlarmSocket,
      list: alarmsApi.list,
      counts: alarmsApi.counts,
      nowUs: () => serverClock.nowUs(),
      onNews: (news) => {
        sound.ring(news.alarm.priority);
        setHeard((old) => ({ ...old, waiting: [...old.waiting, news] }));
      },
      onSignedOut,
    });
    return { desk, sound };
  }, [isAllowed, onSignedOut]);
  useEffect(() => {
    alarming?.desk.start();
    return () => alarming?.desk.stop();
  }, [alarming]);
  useEffect(() => {
    if (heard.waiting.length === 0) return undefined;
    const timer = setTimeout(
      () => setHeard((old) => ({ waiting: [], said: announced(old.waiting, site) })),
      ANNOUNCE_AFTER_MS,
    );
    return () => clearTimeout(timer);
  }, [heard.waiting, site]);
  return (
    <AlarmContext value={alarming}>
      {children}
      <div className="visually-hidden" role="status" aria-live="polite" data-testid="alarm-announced">
        {heard.said}
      </div>
    </AlarmContext>
  );
}

/** Always in sight: how many are new, one pulse when one comes, and the sound's switch. */
export function AlarmCounter({ alarming }: { readonly alarming: Alarming }) {
  const board = useBoard(alarming);
  const sound = useSound(alarming);
  const count = board.counts?.new ?? 0;
  const soundWords = !sound.isOn ? words.soundOff : sound.isBlocked ? words.soundBlocked : words.soundOn;
  return (
    <span className="alarm-counter" data-testid="alarm-counter" data-new={count} data-link={board.link}>
      <Link
        to="/alarms"
        go={go}
        className={count > 0 ? "button alarm-link has-new" : "button button-quiet alarm-link"}
        label={words.counter(count)}
      >
        <span key={board.newsCount} className={board.newsCount > 0 ? "pulse" : undefined}>
          <Icon name={board.link === "broken" ? "denied" : "alarm"} />
        </span>
        <span className="number" aria-hidden="true">
          {count > COUNTED_MOST ? words.most : count}
        </span>
      </Link>
      <Button
        kind="quiet"
        label={soundWords}
        pressed={sound.isOn ? undefined : true}
        onClick={() => alarming.sound.toggle()}
        testId="alarm-sound"
      >
        <span data-testid="alarm-rung" data-rung={sound.rungCount}>
          <Icon name={sound.isOn ? "sound" : "mute"} />
        </span>
      </Button>
    </span>
  );
}

/** What is on the screen may lack the newest alarms: said on every page. */
export function AlarmBanner({ alarming, zone }: { readonly alarming: Alarming; readonly zone: string }) {
  const board = useBoard(alarming);
  if (board.link !== "broken") return null;
  return (
    <div className="stale" role="alert" data-testid="alarms-offline">
      <Icon name="alarm" />{" "}
      {board.brokenUs === null ? words.offlineNever : words.offline(timeText(board.brokenUs, zone))}
    </div>
  );
}
