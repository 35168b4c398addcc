/**
 * Live pictures of one look: WebSocket → Media Source (or JPEG on a canvas), close to the live edge, honest
 * about the age of what is shown. Owns its look, socket and timers from `start` to `stop`.
 */

import { serverClock } from "../../api/client";
import type { LiveMessage, Made, StreamState } from "../../api/liveMessages";
import { openLiveSocket, type LiveSocket } from "../../api/liveSocket";
import type { Problem } from "../../api/result";
import type { Look } from "../../api/types";
import { isJpeg, readInit, readPictures, type VideoTrack } from "./boxes";
import { backOffS, catchUp, judge, PictureTimes, type TileState } from "./judge";
import type { LivePlayerPorts, LiveSurface, LiveViewer } from "./livePorts";
import { SourceFeed } from "./sourceFeed";
import { JpegPainter, keepStill } from "./stills";

const TICK_MS = 100;
const EMIT_EVERY_MS = 250;
const HIDDEN_PATIENCE_MS = 10_000;
const STALL_MS = 3_000;
const SETTLE_MS = 1_500;
const KEEP_BEHIND_S = 4;
const KEEP_MOST_S = 10;

export class LivePlayer implements LiveViewer {
  private look: Look | null = null;
  private socket: LiveSocket | null = null;
  private feed: SourceFeed | null = null;
  private painter: JpegPainter | null = null;
  private track: VideoTrack | null = null;
  private readonly times = new PictureTimes();
  private runStartUs: number | null = null;
  private streamState: StreamState | null = null;
  private reason = "";
  private detail = "";
  private sinceUs: number | null = null;
  private mseType: string | null = null;
  private made: Made = "as sent";
  private problem: Problem | null = null;
  private isUnsupported = false;
  private isPaused = false;
  private isStopped = true;
  private isCanvasShown = false;
  private droppedCount = 0;
  private shownAtUs: number | null = null;
  private shownMs: number | null = null;
  private feedSinceMs = 0;
  private stallLevel = 0;
  private stalledMs = 0;
  private attempt = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  private ticker: ReturnType<typeof setInterval> | undefined;
  private emittedMs = 0;
  private frameRequest = 0;
  private session = 0;

  constructor(
    private readonly surface: LiveSurface,
    private readonly ports: LivePlayerPorts,
  ) {}

  start(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    document.addEventListener("visibilitychange", this.visibilityChanged);
    this.ticker = setInterval(this.tick, TICK_MS);
    this.watchFrames();
    void this.connect();
    this.visibilityChanged();
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    document.removeEventListener("visibilitychange", this.visibilityChanged);
    clearInterval(this.ticker);
    clearTimeout(this.hiddenTimer);
    this.surface.video.cancelVideoFrameCallback(this.frameRequest);
    this.disconnect();
    this.closeFeed();
    this.dropLook();
  }

  retry(): void {
    this.problem = null;
    this.attempt = 0;
    this.disconnect();
    void this.connect();
  }

  private readonly visibilityChanged = () => {
    clearTimeout(this.hiddenTimer);
    if (document.hidden) {
      this.hiddenTimer = setTimeout(() => {
        this.isPaused = true;
        this.disconnect();
        this.keepPicture();
        this.closeFeed();
        this.emit();
      }, HIDDEN_PATIENCE_MS);
    } else if (this.isPaused) {
      this.isPaused = false;
      this.attempt = 0;
      void this.connect();
    }
  };

  private async connect(): Promise<void> {
    if (this.isStopped || this.isPaused || this.problem !== null) return;
    const session = ++this.session;
    if (this.look === null) {
      const opened = await this.ports.openLook();
      if (session !== this.session) {
        if (opened.ok) this.ports.closeLook(opened.value.id);
        return;
      }
      if (!opened.ok) {
        this.refused(opened.problem);
        return;
      }
      this.look = opened.value;
      this.mseType = opened.value.mse_type;
    }
    this.socket = openLiveSocket(this.look.id, {
      onMessage: (message) => this.receive(message),
      onClosed: (code, gotMessages) => this.closed(code, gotMessages),
    });
    this.emit();
  }

  private refused(problem: Problem | null): void {
    if (problem === null) return;
    if (problem.kind === "denied" || problem.kind === "missing" || problem.kind === "invalid") {
      this.problem = problem;
      this.emit();
    } else if (problem.kind === "unauthenticated") {
      this.ports.onSignedOut();
    } else {
      this.reason = problem.kind;
      this.detail = problem.message;
      this.reconnectLater();
    }
  }

  private closed(code: number, gotMessages: boolean): void {
    this.socket = null;
    this.streamState = null;
    if (code === 4401) {
      this.ports.onSignedOut();
      return;
    }
    if (code === 4403 || code === 4404 || !gotMessages) this.look = null;
    this.reason = "link";
    this.detail = "";
    this.sinceUs ??= serverClock.nowUs();
    this.reconnectLater();
  }

  private reconnectLater(): void {
    if (this.isStopped || this.isPaused) return;
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => void this.connect(), backOffS(this.attempt, Math.random()) * 1000);
    this.attempt += 1;
    this.emit();
  }

  private disconnect(): void {
    this.session += 1;
    clearTimeout(this.retryTimer);
    this.socket?.close();
    this.socket = null;
    this.streamState = null;
  }

  private dropLook(): void {
    if (this.look !== null) this.ports.closeLook(this.look.id);
    this.look = null;
  }

  private receive(message: LiveMessage): void {
    if (this.isStopped) return;
    switch (message.type) {
      case "state":
        this.attempt = 0;
        this.streamState = message.state;
        this.reason = message.reason;
        this.detail = message.detail;
        this.sinceUs = message.sinceUs;
        this.made = message.made;
        if (message.mseType !== undefined) this.mseType = message.mseType;
        this.emit();
        break;
      case "init":
        this.beginRun(message.atUs, message.bytes);
        break;
      case "fragment":
        this.takeFragment(message.atUs, message.bytes);
        break;
      case "dropped":
        this.droppedCount += message.count;
        break;
      case "clock":
        break;
    }
  }

  private beginRun(atUs: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.track = readInit(bytes);
    this.isUnsupported = false;
    const isSameRun = atUs === this.runStartUs && this.feed !== null;
    this.runStartUs = atUs;
    if (bytes.length === 0 || this.mseType === null || this.isJpegTrack()) {
      this.beginJpeg();
      return;
    }
    if (!SourceFeed.canPlay(this.mseType)) {
      this.keepPicture();
      this.closeFeed();
      this.isUnsupported = true;
      this.emit();
      return;
    }
    if (isSameRun) this.feed?.changeType(this.mseType);
    else this.beginFeed(this.mseType);
    this.feed?.append(bytes);
  }

  private isJpegTrack(): boolean {
    return this.track !== null && ["jpeg", "mjpg", "mjpa", "mp4v"].includes(this.track.sampleEntry);
  }

  private beginJpeg(): void {
    if (this.painter !== null) return;
    this.keepPicture();
    this.closeFeed();
    this.painter = new JpegPainter(this.surface.canvas, (atUs) => {
      this.isCanvasShown = true;
      this.pictureShown(atUs);
    });
  }

  private beginFeed(mseType: string): void {
    this.keepPicture();
    this.closeFeed();
    this.feedSinceMs = performance.now();
    this.stallLevel = 0;
    this.stalledMs = performance.now();
    this.feed = new SourceFeed(
      this.surface.video,
      mseType,
      () => this.follow(),
      () => this.broken(),
    );
  }

  private broken(): void {
    this.keepPicture();
    this.feed = null;
    this.runStartUs = null;
    this.disconnect();
    this.reconnectLater();
  }

  private closeFeed(): void {
    this.feed?.close();
    this.feed = null;
    this.painter?.close();
    this.painter = null;
    this.runStartUs = null;
    this.times.clear();
  }

  private keepPicture(): void {
    if (this.feed !== null && keepStill(this.surface.video, this.surface.canvas)) this.isCanvasShown = true;
  }

  private takeFragment(atUs: number, bytes: Uint8Array<ArrayBuffer>): void {
    if (this.painter !== null && isJpeg(bytes)) {
      this.times.add(atUs / 1e6, atUs);
      this.painter.paint(bytes, atUs);
      return;
    }
    const pictures = this.track === null ? [] : readPictures(bytes, this.track);
    const [first] = pictures;
    if (this.painter !== null) {
      if (first !== undefined && isJpeg(first.data)) {
        this.times.add(atUs / 1e6, atUs);
        this.painter.paint(first.data, atUs);
      }
      return;
    }
    for (const picture of pictures) this.times.add(picture.timeS, atUs);
    this.feed?.append(bytes);
  }

  private watchFrames(): void {
    this.frameRequest = this.surface.video.requestVideoFrameCallback((_now, frame) => {
      if (this.isStopped) return;
      const atUs = this.feed === null ? null : this.times.at(frame.mediaTime);
      if (atUs !== null) {
        this.isCanvasShown = false;
        this.pictureShown(atUs);
      }
      this.watchFrames();
    });
  }

  private pictureShown(atUs: number): void {
    const isFirst = this.shownMs === null;
    this.shownAtUs = atUs;
    this.shownMs = performance.now();
    this.stalledMs = this.shownMs;
    this.stallLevel = 0;
    if (isFirst) this.emit();
  }

  /** Keep near the newest picture: called after each append and on each tick. */
  private follow(): void {
    const { video } = this.surface;
    const buffered = this.feed?.buffered;
    if (!buffered || buffered.length === 0) return;
    const endS = buffered.end(buffered.length - 1);
    const lagS = endS - video.currentTime;
    const isSettling = performance.now() - this.feedSinceMs < SETTLE_MS;
    const move = catchUp(lagS);
    const isOutside = video.currentTime < buffered.start(buffered.length - 1) || lagS < -0.5;
    if (isOutside || move.kind === "jump" || (isSettling && lagS > 0.6)) {
      if (!video.seeking) video.currentTime = Math.max(buffered.start(buffered.length - 1), endS - 0.1);
    } else if (video.playbackRate !== move.rate) {
      video.playbackRate = move.rate;
    }
    if (video.paused) video.play().catch(() => undefined);
    if (video.currentTime - buffered.start(0) > KEEP_MOST_S)
      this.feed?.trim(video.currentTime - KEEP_BEHIND_S);
  }

  /** Pictures are there but none reaches the screen: first seek, then start anew. */
  private mendStall(nowMs: number): void {
    const buffered = this.feed?.buffered;
    if (!buffered || buffered.length === 0 || document.hidden) return;
    const isAhead = buffered.end(buffered.length - 1) - this.surface.video.currentTime > 0.5;
    if (this.surface.video.error === null && (!isAhead || nowMs - this.stalledMs < STALL_MS)) return;
    this.stalledMs = nowMs;
    this.stallLevel += 1;
    if (this.stallLevel > 1 || this.surface.video.error !== null) {
      this.feed?.close();
      this.broken();
    } else {
      this.surface.video.currentTime = buffered.end(buffered.length - 1) - 0.1;
    }
  }

  private readonly tick = () => {
    const nowMs = performance.now();
    this.follow();
    this.mendStall(nowMs);
    if (nowMs - this.emittedMs >= EMIT_EVERY_MS) this.emit();
  };

  private tileState(sincePictureMs: number | null, ageMs: number | null): TileState {
    if (this.problem !== null) return "denied";
    if (this.isPaused) return "paused";
    if (this.isUnsupported) return "unsupported";
    return judge({
      streamState: this.streamState,
      isSocketOpen: this.socket !== null,
      sincePictureMs,
      ageMs,
      pictureIntervalMs: this.times.intervalMs(),
    });
  }

  private emit(): void {
    if (this.isStopped) return;
    const nowMs = performance.now();
    this.emittedMs = nowMs;
    const ageMs = this.shownAtUs === null ? null : Math.max(0, (serverClock.nowUs() - this.shownAtUs) / 1000);
    const sincePictureMs = this.shownMs === null ? null : nowMs - this.shownMs;
    this.ports.onChange({
      state: this.tileState(sincePictureMs, ageMs),
      reason: this.reason,
      detail: this.detail,
      sinceUs: this.sinceUs,
      atUs: this.shownAtUs,
      ageMs,
      problem: this.problem,
      mseType: this.mseType,
      made: this.made,
      way: "socket",
      droppedCount: this.droppedCount,
      isCanvasShown: this.isCanvasShown,
    });
  }
}
