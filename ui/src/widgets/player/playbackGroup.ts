/** Several playback tiles on one wall clock: play, pause, speed, seek, step, jumps over gaps. */

import { nextMove, WallClock } from "./coverage";
import { PlaybackPlayer } from "./playbackPlayer";

export interface GroupSnapshot {
  readonly positionUs: number;
  readonly isPlaying: boolean;
  readonly isHeld: boolean;
  readonly speed: number;
  /** Nothing is recorded after the position. */
  readonly isAtEnd: boolean;
}

const TICK_MS = 40;

export class PlaybackGroup {
  private readonly players = new Map<string, PlaybackPlayer>();
  private readonly clock: WallClock;
  private readonly listeners = new Set<(snapshot: GroupSnapshot) => void>();
  private isPlaying = false;
  private isAtEnd = false;
  private ticker: ReturnType<typeof setInterval> | undefined;
  private selected: string | null = null;

  /** `findsStart`: the position is a guess; where nothing is recorded there, the next recording is meant. */
  constructor(
    positionUs: number,
    private findsStart = false,
  ) {
    this.clock = new WallClock(positionUs, 1, () => performance.now());
  }

  start(): void {
    this.ticker ??= setInterval(this.tick, TICK_MS);
  }

  stop(): void {
    clearInterval(this.ticker);
    this.ticker = undefined;
  }

  add(key: string, player: PlaybackPlayer): void {
    this.players.get(key)?.close();
    this.players.set(key, player);
  }

  remove(key: string): void {
    this.players.get(key)?.close();
    this.players.delete(key);
  }

  lookAt(key: string, atUs: number): string | null {
    return this.players.get(key)?.lookAt(atUs) ?? null;
  }

  select(key: string | null): void {
    this.selected = key;
  }

  listen(listener: (snapshot: GroupSnapshot) => void): () => void {
    this.listeners.add(listener);
    listener(this.snapshot());
    return () => this.listeners.delete(listener);
  }

  snapshot(): GroupSnapshot {
    return {
      positionUs: this.clock.positionUs,
      isPlaying: this.isPlaying,
      isHeld: this.isPlaying && !this.clock.isRunning,
      speed: this.clock.speed,
      isAtEnd: this.isAtEnd,
    };
  }

  play(): void {
    this.isPlaying = true;
    this.isAtEnd = false;
    this.tick();
  }

  pause(): void {
    this.isPlaying = false;
    this.clock.hold();
    this.tick();
  }

  toggle(): void {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  setSpeed(speed: number): void {
    this.clock.setSpeed(speed);
    this.tick();
  }

  seek(toUs: number): void {
    const target = Math.min(toUs, PlaybackPlayer.edgeUs());
    this.isAtEnd = false;
    this.findsStart = false;
    this.clock.seek(target);
    for (const player of this.players.values()) player.seek(target);
    this.tick();
  }

  skip(byUs: number): void {
    this.seek(this.clock.positionUs + byUs);
  }

  /** One picture on or back, by the pictures of the selected tile (or the first that has any). */
  step(direction: 1 | -1): void {
    this.pause();
    const positionUs = this.clock.positionUs;
    const chosen = this.selected === null ? undefined : this.players.get(this.selected);
    const order = chosen === undefined ? [...this.players.values()] : [chosen, ...this.players.values()];
    for (const player of order) {
      const to = player.neighbour(positionUs, direction);
      if (to !== null) {
        this.clock.seek(to);
        this.tick();
        return;
      }
    }
    this.seek(positionUs + direction * 100_000);
  }

  private readonly tick = () => {
    const positionUs = Math.min(this.clock.positionUs, PlaybackPlayer.edgeUs());
    if (this.isPlaying) this.move(positionUs);
    else if (this.findsStart) this.find(positionUs);
    const now = this.clock.isRunning ? Math.min(this.clock.positionUs, PlaybackPlayer.edgeUs()) : positionUs;
    const { isRunning, speed } = this.clock;
    const mayReadAhead = this.mayReadAhead(now);
    for (const player of this.players.values()) player.follow(now, isRunning, speed, mayReadAhead);
    const snapshot = this.snapshot();
    for (const listener of this.listeners) listener(snapshot);
  };

  /** First pictures before stocks: a browser has six connections, and one decoder's time, for all tiles. */
  private mayReadAhead(positionUs: number): boolean {
    const players = [...this.players.values()];
    return !players.some((one) => one.isAwaited && one.readiness(positionUs).kind !== "empty");
  }

  private find(positionUs: number): void {
    const readiness = [...this.players.values()].map((player) => player.readiness(positionUs));
    const move = nextMove(readiness, performance.now());
    if (move.kind === "jump") this.seek(move.toUs);
    else if (move.kind === "run") this.findsStart = false;
  }

  private move(positionUs: number): void {
    if (positionUs < this.clock.positionUs) this.clock.seek(positionUs);
    const readiness = [...this.players.values()].map((player) => player.readiness(positionUs));
    const move = nextMove(readiness, performance.now());
    switch (move.kind) {
      case "run":
        this.clock.run();
        break;
      case "hold":
        this.clock.hold();
        break;
      case "jump":
        this.seek(move.toUs);
        break;
      case "end":
        this.clock.hold();
        if (positionUs < PlaybackPlayer.edgeUs() - 5_000_000 && this.players.size > 0) {
          this.isPlaying = false;
          this.isAtEnd = true;
        }
        break;
    }
  }
}
