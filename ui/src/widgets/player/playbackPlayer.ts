/**
 * Recorded pictures of one channel at the time the group's master clock says. Fetches blocks, feeds Media
 * Source (or paints JPEG), follows the clock. Owns its look from the first need to `close`.
 */

import { serverClock, type MediaBlock } from "../../api/client";
import type { Problem } from "../../api/result";
import type { Look } from "../../api/types";
import { isJpeg, pictureBeyond, readInit, readPictures, type PictureSample } from "./boxes";
import { correct, Coverage, type TileReadiness } from "./coverage";
import { backOffS } from "./judge";
import type { LiveSurface } from "./livePorts";
import type { PlaybackPorts, PlaybackSnapshot, PlaybackState } from "./playbackPorts";
import { SourceFeed } from "./sourceFeed";
import { JpegPainter } from "./stills";

interface OpenLook {
  readonly look: Look;
  readonly fromUs: number;
  readonly toUs: number;
}

const HALF_WINDOW_US = 12 * 3_600_000_000;
/** Enough to show the place and start from it; it comes sooner than a long block. */
const FIRST_BLOCK_US = 800_000;
const BLOCK_US = 4_000_000;
const KEEP_BEHIND_US = 15_000_000;
const OPEN_EMPTY_RECHECK_MS = 1_000;
const FIRST_PICTURE_MS = 1_500;
/** With this much left, a tile asks for more though others still wait for their first picture. */
const RESERVE_US = 400_000;

export class PlaybackPlayer {
  private open: OpenLook | null = null;
  private opening = false;
  private feed: SourceFeed | null = null;
  private painter: JpegPainter | null = null;
  private readonly coverage = new Coverage();
  private pictures: PictureSample[] = [];
  private mseType: string | null = null;
  private fetching: { readonly abort: AbortController; readonly atUs: number } | null = null;
  private blockUs = FIRST_BLOCK_US;
  private failures = 0;
  private quietUntilMs = 0;
  private problem: Problem | null = null;
  /** What the last question failed at; it is asked again by itself. */
  private trouble: Problem | null = null;
  private isUnsupported = false;
  private isClosed = false;
  private wallUs: number | null = null;
  private isCanvasShown = false;
  private loadingSinceMs: number | null = null;
  private sought: { readonly atMs: number; readonly toUs: number } | null = null;
  private seekMs: number | null = null;
  private paintedS: number | null = null;
  private frameRequest = 0;
  private lastSnapshot = "";
  private trimmedMs = 0;
  private mustJump = false;

  constructor(
    private readonly surface: LiveSurface,
    private readonly ports: PlaybackPorts,
  ) {
    this.watchFrames();
  }

  close(): void {
    this.isClosed = true;
    this.surface.video.cancelVideoFrameCallback(this.frameRequest);
    this.dropLook();
  }

  retry(): void {
    this.problem = null;
    this.trouble = null;
    this.failures = 0;
    this.quietUntilMs = 0;
  }

  /** The person jumped: keep what is still useful, forget the rest. */
  seek(toUs: number): void {
    this.sought = { atMs: performance.now(), toUs };
    this.mustJump = true;
    this.loadingSinceMs = null;
    this.quietUntilMs = 0;
    if (this.coverage.at(toUs).kind === "loaded") return;
    this.fetching?.abort.abort();
    this.fetching = null;
    this.blockUs = FIRST_BLOCK_US;
    this.coverage.clear();
    this.pictures = [];
    this.feed?.clear();
  }

  /** The open look, if a moment lies in its span: pictures of events are shown by it. */
  lookAt(atUs: number): string | null {
    const { open } = this;
    return open !== null && open.fromUs <= atUs && atUs < open.toUs ? open.look.id : null;
  }

  /** What can be shown at a time; called by the group before it moves its clock. */
  readiness(positionUs: number): TileReadiness {
    if (this.problem !== null || this.isUnsupported) return { kind: "idle" };
    const known = this.coverage.at(positionUs);
    const isDecoding = this.sought !== null && this.painter === null && this.surface.video.seeking;
    if (known.kind === "loaded" && !isDecoding && this.isShowable(positionUs)) {
      this.loadingSinceMs = null;
      return { kind: "ready" };
    }
    if (known.kind === "empty") {
      this.loadingSinceMs = null;
      return { kind: "empty", nextUs: known.nextUs };
    }
    this.loadingSinceMs ??= performance.now();
    return { kind: "loading", sinceMs: this.loadingSinceMs };
  }

  /** A jump whose picture is not on the screen yet, for so long that others should wait for it. */
  get isAwaited(): boolean {
    return this.sought !== null && performance.now() - this.sought.atMs < FIRST_PICTURE_MS;
  }

  private trackS(wallUs: number): number {
    return (wallUs - (this.open?.look.epoch_us ?? 0)) / 1e6;
  }

  private isShowable(positionUs: number): boolean {
    return this.painter !== null || this.playableS(positionUs) !== null;
  }

  /** Where on the track the video stands for a time; a seek before the first picture would never end. */
  private playableS(positionUs: number): number | null {
    const buffered = this.feed?.buffered;
    if (!buffered) return null;
    const atS = this.trackS(positionUs);
    for (let index = 0; index < buffered.length; index += 1) {
      const startS = buffered.start(index);
      if (startS - 0.2 <= atS && atS < buffered.end(index)) return Math.max(atS, startS);
    }
    // All that was fetched is appended and still a hole: the pictures around it are all there is.
    return this.feed?.isIdle === true && this.fetching === null ? atS : null;
  }

  /** Follow the clock: called by the group many times a second. */
  follow(positionUs: number, isRunning: boolean, speed: number, mayReadAhead: boolean): void {
    if (this.isClosed) return;
    this.want(positionUs, speed, mayReadAhead);
    const state = this.stateAt(positionUs);
    if (state === "playing") this.show(positionUs, isRunning, speed);
    else if (!this.surface.video.paused) this.surface.video.pause();
    this.trim(positionUs);
    this.emit(state, positionUs);
  }

  private stateAt(positionUs: number): PlaybackState {
    if (this.problem !== null) return this.problem.kind === "denied" ? "denied" : "error";
    if (this.isUnsupported) return "unsupported";
    const known = this.coverage.at(positionUs).kind;
    if (known === "loaded" && this.isShowable(positionUs)) return "playing";
    return known === "empty" ? "no-recording" : "loading";
  }

  private show(positionUs: number, isRunning: boolean, speed: number): void {
    if (this.painter !== null) {
      this.paintAt(this.trackS(positionUs));
      return;
    }
    const { video } = this.surface;
    const atS = this.playableS(positionUs);
    if (atS === null || (video.seeking && !this.mustJump)) return;
    // A seek that waits for pictures thrown away since must be replaced, not waited for.
    if (this.mustJump) video.currentTime = atS;
    this.mustJump = false;
    const driftS = video.currentTime - atS;
    if (!isRunning) {
      if (!video.paused) video.pause();
      if (Math.abs(driftS) > 0.001) video.currentTime = atS;
      return;
    }
    const move = correct(driftS, speed);
    if (move.kind === "seek") video.currentTime = atS;
    else if (Math.abs(video.playbackRate - move.rate) > 0.02 * speed) video.playbackRate = move.rate;
    if (video.paused) video.play().catch(() => undefined);
  }

  private paintAt(atS: number): void {
    let best: PictureSample | null = null;
    for (const picture of this.pictures) {
      if (picture.timeS <= atS && (best === null || picture.timeS > best.timeS)) best = picture;
    }
    if (best === null || best.timeS === this.paintedS) return;
    this.paintedS = best.timeS;
    this.painter?.paint(best.data, best.timeS);
  }

  /** UTC just inside the next (or previous) picture, for stepping; null when it is not loaded. */
  neighbour(positionUs: number, direction: 1 | -1): number | null {
    if (this.open === null) return null;
    const shownS = this.trackS(this.wallUs ?? positionUs);
    const best = pictureBeyond(this.pictures, shownS, direction);
    if (best === null) return null;
    const insideS = Math.min(0.005, Math.max(0.0005, best.durationS / 2));
    return Math.round((best.timeS + insideS) * 1e6) + this.open.look.epoch_us;
  }

  private want(positionUs: number, speed: number, mayReadAhead: boolean): void {
    if (this.problem !== null || this.isUnsupported) return;
    const nowMs = performance.now();
    if (nowMs < this.quietUntilMs) return;
    const outside = this.open !== null && (positionUs < this.open.fromUs || positionUs >= this.open.toUs);
    if (outside) this.dropLook();
    if (this.open === null) {
      if (!this.opening) void this.openAround(positionUs);
      return;
    }
    if (this.fetching !== null) return;
    this.coverage.forgetOpenEmpties(nowMs - OPEN_EMPTY_RECHECK_MS);
    const aheadUs = Math.min(60_000_000, 8_000_000 * Math.max(1, speed));
    const cursor = this.coverage.missing(positionUs, Math.min(positionUs + aheadUs, this.open.toUs));
    if (cursor === null || (!mayReadAhead && cursor > positionUs + RESERVE_US * speed)) return;
    void this.fetchBlock(this.open, cursor, speed);
  }

  private async openAround(positionUs: number): Promise<void> {
    this.opening = true;
    const fromUs = positionUs - HALF_WINDOW_US;
    const toUs = positionUs + HALF_WINDOW_US;
    const opened = await this.ports.openLook(fromUs, toUs);
    this.opening = false;
    if (opened.ok && this.isClosed) this.ports.closeLook(opened.value.id);
    if (this.isClosed) return;
    if (opened.ok) {
      this.open = { look: opened.value, fromUs, toUs };
      this.mseType = opened.value.mse_type;
      this.failures = 0;
    } else if (!opened.aborted) {
      this.failed(opened.problem);
    }
  }

  private failed(problem: Problem): void {
    if (problem.kind === "denied" || problem.kind === "invalid") {
      this.problem = problem;
    } else if (problem.kind === "missing" && this.open !== null && this.failures < 2) {
      this.dropLook();
    } else {
      this.trouble = problem;
    }
    this.quietUntilMs = performance.now() + backOffS(this.failures, Math.random()) * 1000;
    this.failures += 1;
  }

  private dropLook(): void {
    this.fetching?.abort.abort();
    this.fetching = null;
    if (this.open !== null) this.ports.closeLook(this.open.look.id);
    this.open = null;
    this.coverage.clear();
    this.pictures = [];
    this.feed?.close();
    this.feed = null;
    this.painter?.close();
    this.painter = null;
  }

  private async fetchBlock(open: OpenLook, atUs: number, speed: number): Promise<void> {
    const abort = new AbortController();
    this.fetching = { abort, atUs };
    const durationUs = Math.min(30_000_000, this.blockUs * Math.max(1, speed / 2));
    const answer = await this.ports.media(open.look.id, atUs, durationUs, abort.signal);
    if (this.open !== open || this.isClosed || !this.isCurrent(abort)) return;
    this.fetching = null;
    if (!answer.ok) {
      if (!answer.aborted) this.failed(answer.problem);
      return;
    }
    this.failures = 0;
    this.trouble = null;
    this.take(answer.value, atUs);
  }

  /** A seek or a new look may have put another question in its place meanwhile. */
  private isCurrent(abort: AbortController): boolean {
    return this.fetching?.abort === abort;
  }

  private take(block: MediaBlock, atUs: number): void {
    const nowMs = performance.now();
    const { bytes, startUs, endUs, nextUs } = block;
    const isForward = endUs !== null && endUs > atUs + 1_000;
    if (bytes === null || startUs === null || !isForward) {
      this.coverage.addEmpty(atUs, nextUs, nowMs);
      return;
    }
    if (startUs > atUs) this.coverage.addEmpty(atUs, startUs, nowMs);
    // A long GOP makes each block start far before what was asked: ask for more at a time then.
    this.blockUs = Math.min(20_000_000, Math.max(BLOCK_US, 2 * (atUs - startUs)));
    this.coverage.addLoaded(startUs, endUs);
    if (nextUs !== null) this.coverage.addEmpty(endUs, nextUs, nowMs);
    this.append(new Uint8Array(bytes), block.mseType ?? this.mseType);
  }

  private append(bytes: Uint8Array<ArrayBuffer>, mseType: string | null): void {
    const track = readInit(bytes);
    const pictures = track === null ? [] : readPictures(bytes, track);
    const first = pictures[0];
    this.mseType = mseType === "" ? null : mseType;
    if (first !== undefined && isJpeg(first.data)) {
      this.painter ??= new JpegPainter(this.surface.canvas, (timeS) => {
        this.isCanvasShown = true;
        this.shown(timeS);
      });
      this.remember(pictures);
      return;
    }
    if (this.mseType === null || !SourceFeed.canPlay(this.mseType)) {
      this.isUnsupported = true;
      return;
    }
    this.remember(pictures.map((picture) => ({ ...picture, data: new Uint8Array(0) })));
    if (this.feed === null) this.feed = this.newFeed(this.mseType);
    else this.feed.changeType(this.mseType);
    this.feed.append(bytes);
  }

  private newFeed(mseType: string): SourceFeed {
    this.isCanvasShown = false;
    return new SourceFeed(
      this.surface.video,
      mseType,
      () => undefined,
      () => {
        this.feed = null;
        this.coverage.clear();
        this.pictures = [];
        this.quietUntilMs = performance.now() + backOffS(this.failures, Math.random()) * 1000;
        this.failures += 1;
      },
    );
  }

  private remember(pictures: readonly PictureSample[]): void {
    const known = new Set(this.pictures.map((picture) => picture.timeS));
    this.pictures.push(...pictures.filter((picture) => !known.has(picture.timeS)));
  }

  private trim(positionUs: number): void {
    const nowMs = performance.now();
    if (nowMs - this.trimmedMs < 5_000) return;
    this.trimmedMs = nowMs;
    const beforeUs = positionUs - KEEP_BEHIND_US;
    const beforeS = this.trackS(beforeUs);
    this.coverage.trim(beforeUs);
    this.pictures = this.pictures.filter((picture) => picture.timeS >= beforeS);
    if (beforeS > 0) this.feed?.trim(beforeS);
  }

  private watchFrames(): void {
    this.frameRequest = this.surface.video.requestVideoFrameCallback((_now, frame) => {
      if (this.isClosed) return;
      if (this.feed !== null) this.shown(frame.mediaTime);
      this.watchFrames();
    });
  }

  private shown(timeS: number): void {
    if (this.open === null) return;
    this.wallUs = Math.round(timeS * 1e6) + this.open.look.epoch_us;
    if (this.sought !== null && Math.abs(this.wallUs - this.sought.toUs) < 1_500_000) {
      this.seekMs = Math.round(performance.now() - this.sought.atMs);
      this.sought = null;
    }
  }

  private emit(state: PlaybackState, positionUs: number): void {
    const known = this.coverage.at(positionUs);
    const snapshot: PlaybackSnapshot = {
      state,
      wallUs: this.wallUs,
      nextUs: known.kind === "empty" ? known.nextUs : null,
      problem: this.problem ?? (state === "loading" ? this.trouble : null),
      mseType: this.mseType,
      seekMs: this.seekMs,
      isCanvasShown: this.isCanvasShown,
    };
    const told = snapshot.problem?.message ?? "";
    const key = `${state} ${this.wallUs ?? ""} ${snapshot.nextUs ?? ""} ${this.seekMs ?? ""} ${String(this.isCanvasShown)} ${told}`;
    if (key === this.lastSnapshot) return;
    this.lastSnapshot = key;
    this.ports.onChange(snapshot);
  }

  /** Newest time that makes sense to ask for: the recorder holds the last second back. */
  static edgeUs(): number {
    return serverClock.nowUs() - 1_500_000;
  }
}
