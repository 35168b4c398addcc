/**
 * Live pictures of one look over WebRTC, for the least delay. It knows no states: when it cannot connect within
 * 3 s, or no new picture comes, it ends, and who made it goes on over the WebSocket, which tells why.
 */

import { client, serverClock } from "../../api/client";
import { openWhep } from "../../api/whepOffer";
import type { Look, SentPicture } from "../../api/types";
import { FROZEN_AFTER_MS, LATE_AFTER_MS } from "./judge";
import type { LivePlayerPorts, LiveSurface, LiveViewer } from "./livePorts";
import { keepStill } from "./stills";

const CONNECT_WITHIN_MS = 3_000;
const CHECK_EVERY_MS = 250;
const MEASURE_EVERY_MS = 10_000;

/** When the picture with this RTP timestamp arrived, told from one whose arrival is known. */
export function arrivalUs(rtpTimestamp: number, known: SentPicture): number {
  const ticks = (rtpTimestamp - known.rtp_timestamp) | 0;
  return known.arrival_us + (ticks * 1000) / 90;
}

export class WhepPlayer implements LiveViewer {
  private connection: RTCPeerConnection | null = null;
  private look: Look | null = null;
  private isStopped = true;
  private startedMs = 0;
  private shownMs: number | null = null;
  private place = "";
  private sent: SentPicture | null = null;
  private measuredMs: number | null = null;
  private shownAtUs: number | null = null;
  private frameRequest = 0;
  private ticker: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly surface: LiveSurface,
    private readonly ports: LivePlayerPorts,
    /** Called once, when it ends by itself; whether it ever showed a picture. */
    private readonly onEnded: (hadPictures: boolean) => void,
  ) {}

  start(): void {
    this.isStopped = false;
    this.startedMs = performance.now();
    this.ticker = setInterval(this.check, CHECK_EVERY_MS);
    this.emit();
    void this.connect();
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    clearInterval(this.ticker);
    const { video, canvas } = this.surface;
    video.cancelVideoFrameCallback(this.frameRequest);
    keepStill(video, canvas);
    this.connection?.close();
    if (this.connection !== null) video.srcObject = null;
    if (this.look !== null) this.ports.closeLook(this.look.id);
    this.connection = this.look = null;
  }

  retry(): void {
    this.end();
  }

  private async connect(): Promise<void> {
    const opened = await this.ports.openLook();
    if (this.isStopped) {
      if (opened.ok) this.ports.closeLook(opened.value.id);
      return;
    }
    if (!opened.ok) {
      this.end();
      return;
    }
    this.look = opened.value;
    const session = await openWhep(opened.value.id);
    if (!session.ok) {
      this.end();
      return;
    }
    const { connection } = session.value;
    if (this.hasStopped()) {
      connection.close();
      return;
    }
    this.connection = connection;
    this.place = session.value.place;
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === "failed" || connection.connectionState === "closed") this.end();
    };
    const stream = await session.value.stream;
    if (this.hasStopped()) return;
    this.surface.video.srcObject = stream;
    this.surface.video.play().catch(() => undefined);
    this.watchFrames();
  }

  /** Asked anew: TypeScript believes that nothing changes while one waits. */
  private hasStopped(): boolean {
    return this.isStopped;
  }

  private watchFrames(): void {
    this.frameRequest = this.surface.video.requestVideoFrameCallback((_now, frame) => {
      if (this.isStopped) return;
      const isFirst = this.shownMs === null;
      this.shownMs = performance.now();
      if (this.sent !== null && frame.rtpTimestamp !== undefined)
        this.shownAtUs = arrivalUs(frame.rtpTimestamp, this.sent);
      if (isFirst) {
        void this.measure();
        this.emit();
      }
      this.watchFrames();
    });
  }

  private readonly check = () => {
    const nowMs = performance.now();
    const isLate =
      this.shownMs === null
        ? nowMs - this.startedMs > CONNECT_WITHIN_MS
        : nowMs - this.shownMs > FROZEN_AFTER_MS;
    if ((isLate || (this.ageMs() ?? 0) > LATE_AFTER_MS) && !document.hidden) {
      this.end();
      return;
    }
    if (this.measuredMs !== null && nowMs - this.measuredMs > MEASURE_EVERY_MS) void this.measure();
    this.emit();
  };

  /** Ask which arrival an RTP timestamp stands for; asked again, for clocks drift and late pictures close up. */
  private async measure(): Promise<void> {
    this.measuredMs = performance.now();
    const told = await client.whepSent(this.place);
    if (told.ok) this.sent = told.value;
    else if (this.sent === null) this.measuredMs -= MEASURE_EVERY_MS;
  }

  private ageMs(): number | null {
    return this.shownAtUs === null ? null : Math.max(0, (serverClock.nowUs() - this.shownAtUs) / 1000);
  }

  private end(): void {
    if (this.isStopped) return;
    const hadPictures = this.shownMs !== null;
    this.stop();
    this.onEnded(hadPictures);
  }

  private emit(): void {
    if (this.isStopped) return;
    this.ports.onChange({
      state: this.shownMs === null ? "connecting" : "live",
      reason: "",
      detail: "",
      sinceUs: null,
      atUs: this.shownAtUs,
      ageMs: this.ageMs(),
      problem: null,
      mseType: null,
      made: "as sent",
      way: "webrtc",
      droppedCount: 0,
      isCanvasShown: this.shownMs === null,
    });
  }
}
