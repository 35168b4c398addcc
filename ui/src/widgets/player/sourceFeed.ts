/**
 * One MediaSource with one SourceBuffer and a queue before it: appends in order, trims behind, bounded.
 * Failures are told once through `onBroken`; the owner starts anew.
 */

const QUEUE_LIMIT_BYTES = 24 * 1024 * 1024;

export class SourceFeed {
  private readonly source = new MediaSource();
  private readonly address: string;
  private buffer: SourceBuffer | null = null;
  private queue: (Uint8Array<ArrayBuffer> | { readonly type: string })[] = [];
  private queuedBytes = 0;
  private trimBeforeS: number | null = null;
  private ended = false;

  constructor(
    private readonly video: HTMLVideoElement,
    private mseType: string,
    private readonly onAppended: () => void,
    private readonly onBroken: (why: string) => void,
  ) {
    this.address = URL.createObjectURL(this.source);
    this.source.addEventListener("sourceopen", this.open, { once: true });
    video.src = this.address;
  }

  static canPlay(mseType: string): boolean {
    return typeof MediaSource !== "undefined" && MediaSource.isTypeSupported(mseType);
  }

  private readonly open = () => {
    if (this.ended) return;
    try {
      this.source.duration = Number.POSITIVE_INFINITY;
      const buffer = this.source.addSourceBuffer(this.mseType);
      buffer.mode = "segments";
      buffer.addEventListener("updateend", this.updated);
      buffer.addEventListener("error", () => this.breakOff("append"));
      this.buffer = buffer;
      this.pump();
    } catch (error) {
      this.breakOff(String(error));
    }
  };

  private readonly updated = () => {
    if (this.ended) return;
    this.onAppended();
    this.pump();
  };

  private breakOff(why: string): void {
    if (this.ended) return;
    this.close();
    this.onBroken(why);
  }

  append(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.ended) return;
    this.queuedBytes += bytes.length;
    if (this.queuedBytes > QUEUE_LIMIT_BYTES) {
      this.breakOff("queue full");
      return;
    }
    this.queue.push(bytes);
    this.pump();
  }

  /** The next append is of another type (a new generation of the same run). */
  changeType(mseType: string): void {
    if (mseType === this.mseType) return;
    this.mseType = mseType;
    this.queue.push({ type: mseType });
    this.pump();
  }

  /** Forget what lies before a time, when convenient. */
  trim(beforeS: number): void {
    this.trimBeforeS = beforeS;
    this.pump();
  }

  /** Forget all and the queue too: the next append starts somewhere else. */
  clear(): void {
    this.queue = [];
    this.queuedBytes = 0;
    const { buffer } = this;
    if (buffer === null || this.ended) return;
    try {
      if (buffer.updating) buffer.abort();
      if (buffer.buffered.length > 0) buffer.remove(0, Number.POSITIVE_INFINITY);
    } catch (error) {
      this.breakOff(String(error));
    }
  }

  private pump(): void {
    const { buffer } = this;
    if (buffer === null || this.ended || buffer.updating || this.source.readyState !== "open") return;
    try {
      if (this.removeOld(buffer)) return;
      const next = this.takeNext(buffer);
      if (next !== null) buffer.appendBuffer(next);
    } catch (error) {
      this.breakOff(String(error));
    }
  }

  private removeOld(buffer: SourceBuffer): boolean {
    const before = this.trimBeforeS;
    this.trimBeforeS = null;
    if (before === null || buffer.buffered.length === 0 || buffer.buffered.start(0) >= before) return false;
    buffer.remove(0, before);
    return true;
  }

  /** Everything waiting up to the next change of type, as one append. */
  private takeNext(buffer: SourceBuffer): Uint8Array<ArrayBuffer> | null {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let total = 0;
    while (this.queue.length > 0) {
      const head = this.queue[0];
      if (head === undefined) break;
      if (!(head instanceof Uint8Array)) {
        if (parts.length > 0) break;
        buffer.changeType(head.type);
      } else {
        parts.push(head);
        total += head.length;
      }
      this.queue.shift();
    }
    this.queuedBytes -= total;
    const [only] = parts;
    if (only === undefined) return null;
    if (parts.length === 1) return only;
    const joined = new Uint8Array(total);
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }

  get buffered(): TimeRanges | null {
    if (this.buffer === null || this.ended || this.source.readyState === "closed") return null;
    try {
      return this.buffer.buffered;
    } catch {
      return null;
    }
  }

  get isIdle(): boolean {
    return this.queue.length === 0 && this.buffer !== null && !this.buffer.updating;
  }

  close(): void {
    if (this.ended) return;
    this.ended = true;
    this.queue = [];
    this.source.removeEventListener("sourceopen", this.open);
    if (this.video.src === this.address) {
      this.video.removeAttribute("src");
      this.video.load();
    }
    URL.revokeObjectURL(this.address);
  }
}
