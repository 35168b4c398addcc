/**
 * The one place that knows of alarms: subscription, list, counts, and whether what it knows may be old. The shell
 * makes it; its counter and the page of alarms read the same.
 */

import { alarmsApi, type Alarm, type AlarmCounts, type AlarmState } from "../../api/alarms";
import type { AlarmMessage, AlarmSocketEvents } from "../../api/alarmSocket";
import type { Problem, Result } from "../../api/result";
import { backOffS } from "../player/judge";
import { answered, newsOf, OPEN, taken, type AlarmMap } from "./alarmList";

export type LinkState = "connecting" | "open" | "broken";

export interface AlarmBoard {
  readonly alarms: AlarmMap;
  readonly counts: AlarmCounts | null;
  readonly link: LinkState;
  /** Since when the subscription is broken. */
  readonly brokenUs: number | null;
  /** A list was answered at least once. */
  readonly isLoaded: boolean;
  readonly problem: Problem | null;
  /** There are more open alarms than were listed. */
  readonly next: string | null;
  /** Grows with each alarm worth a pulse. */
  readonly newsCount: number;
}

export interface News {
  readonly alarm: Alarm;
  readonly isRaised: boolean;
}

export interface AlarmDeskPorts {
  openSocket(events: AlarmSocketEvents): { close(): void };
  list(
    states: readonly AlarmState[],
    channelId: string | null,
    before: string | null,
  ): ReturnType<typeof alarmsApi.list>;
  counts(): Promise<Result<AlarmCounts>>;
  nowUs(): number;
  onNews(news: News): void;
  onSignedOut(): void;
}

const REFRESH_EVERY_MS = 30_000;
const START: AlarmBoard = {
  alarms: new Map(),
  counts: null,
  link: "connecting",
  brokenUs: null,
  isLoaded: false,
  problem: null,
  next: null,
  newsCount: 0,
};

export class AlarmDesk {
  private board = START;
  private readonly listeners = new Set<() => void>();
  private socket: { close(): void } | null = null;
  private attempt = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private refreshTimer: ReturnType<typeof setInterval> | undefined;
  private isStopped = true;

  constructor(private readonly ports: AlarmDeskPorts) {}

  readonly listen = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): AlarmBoard => this.board;

  start(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    this.connect();
    void this.refresh();
    this.refreshTimer = setInterval(() => void this.refresh(), REFRESH_EVERY_MS);
  }

  stop(): void {
    this.isStopped = true;
    clearInterval(this.refreshTimer);
    clearTimeout(this.retryTimer);
    this.socket?.close();
    this.socket = null;
  }

  /** What the server says of all that is open; repairs what a broken line has lost. */
  async refresh(): Promise<void> {
    const askedUs = this.ports.nowUs();
    const answer = await this.ports.list(OPEN, null, null);
    if (this.isStopped) return;
    if (answer.ok) {
      const { alarms, next } = answer.value;
      this.tellNews(alarms);
      this.change({
        alarms: answered(this.board.alarms, alarms, next === null, askedUs),
        isLoaded: true,
        problem: null,
        next,
      });
    } else if (!answer.aborted) this.change({ problem: answer.problem });
    const counts = await this.ports.counts();
    if (counts.ok) this.change({ counts: counts.value });
  }

  /** More of the list: closed ones, one camera's, older ones. */
  async load(
    states: readonly AlarmState[],
    channelId: string | null,
    before: string | null,
  ): Promise<Result<{ readonly next: string | null }>> {
    const answer = await this.ports.list(states, channelId, before);
    if (!answer.ok) return answer;
    this.take(answer.value.alarms);
    return { ok: true, value: { next: answer.value.next } };
  }

  /** An answer to one's own step. */
  take(alarms: readonly Alarm[]): void {
    const next = taken(this.board.alarms, alarms);
    if (next !== this.board.alarms) this.change({ alarms: next });
  }

  private connect(): void {
    this.socket = this.ports.openSocket({
      onOpen: () => {
        this.attempt = 0;
        const wasBroken = this.board.link === "broken";
        this.change({ link: "open", brokenUs: null });
        if (wasBroken) void this.refresh();
      },
      onMessage: (message) => this.receive(message),
      onClosed: (code) => this.closed(code),
    });
  }

  private receive(message: AlarmMessage): void {
    if (message.type === "counts") this.change({ counts: message.counts });
    else {
      this.tellNews([message.alarm]);
      this.take([message.alarm]);
    }
  }

  private closed(code: number): void {
    this.socket = null;
    if (this.isStopped) return;
    if (code === 4401) {
      this.ports.onSignedOut();
      return;
    }
    this.change({ link: "broken", brokenUs: this.board.brokenUs ?? this.ports.nowUs() });
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.connect(), backOffS(this.attempt, Math.random()) * 1000);
    this.attempt += 1;
  }

  private tellNews(alarms: readonly Alarm[]): void {
    // What was there when the page was opened is no news.
    if (!this.board.isLoaded) return;
    for (const alarm of alarms) {
      const news = newsOf(this.board.alarms.get(alarm.id), alarm);
      if (news === null) continue;
      this.change({ newsCount: this.board.newsCount + 1 });
      this.ports.onNews({ alarm, isRaised: news === "raised" });
    }
  }

  private change(by: Partial<AlarmBoard>): void {
    this.board = { ...this.board, ...by };
    for (const listener of this.listeners) listener();
  }
}
