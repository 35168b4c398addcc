/**
 * Live pictures of one look over WebRTC, for the least delay. It knows no states: when it cannot connect within
 * 3 s, or no new picture comes, it ends, and who made it goes on over the WebSocket, which tells why.
 */

import { serverClock } from "../../api/client";
import { openWhep } from "../../api/whepOffer";
import type { Look } from "../../api/types";
import { FROZEN_AFTER_MS } from "./judge";
import type { LivePlayerPorts, LiveSurface, LiveViewer } from "./livePorts";
import { keepStill } from "./stills";

const CONNECT_WITHIN_MS = 3_000;
const CHECK_EVERY_MS = 250;
/** From the NTP epoch (1900) to ours, as Chromium tells the time at the sender. */
const NTP_EPOCH_MS = 2_208_988_800_000;

export class WhepPlayer implements LiveViewer {
  private connection: RTCPeerConnection | null = null;
  private look: Look | null = null;
  private isStopped = true;
  private startedMs = 0;
  private shownMs: number | null = null;
  private ageMs: number | null = null;
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
    this.frameRequest = this.surface.video.requestVideoFrameCallback((nowMs, frame) => {
      if (this.isStopped) return;
      const isFirst = this.shownMs === null;
      this.shownMs = performance.now();
      if (frame.captureTime !== undefined) this.ageMs = Math.max(0, nowMs - frame.captureTime);
      if (isFirst) this.emit();
      this.watchFrames();
    });
  }

  private readonly check = () => {
    const nowMs = performance.now();
    const isLate =
      this.shownMs === null
        ? nowMs - this.startedMs > CONNECT_WITHIN_MS
        : nowMs - this.shownMs > FROZEN_AFTER_MS;
    if (isLate && !document.hidden) {
      this.end();
      return;
    }
    void this.measure();
    this.emit();
  };

  /** Browsers that tell no capture time of a picture estimate it for the whole track. */
  private async measure(): Promise<void> {
    const stats = await this.connection?.getReceivers()[0]?.getStats();
    stats?.forEach((one: Record<string, unknown>) => {
      const atMs = one["estimatedPlayoutTimestamp"];
      if (one["type"] !== "inbound-rtp" || typeof atMs !== "number") return;
      this.ageMs = Math.max(0, serverClock.nowUs() / 1000 - (atMs - NTP_EPOCH_MS));
    });
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
      atUs: this.ageMs === null ? null : serverClock.nowUs() - this.ageMs * 1000,
      ageMs: this.ageMs,
      problem: null,
      mseType: null,
      made: "as sent",
      way: "webrtc",
      droppedCount: 0,
      isCanvasShown: this.shownMs === null,
    });
  }
}
