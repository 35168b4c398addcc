/**
 * Just enough of ISO 14496-12 to know when each picture of a fragment is shown, and to take JPEG
 * pictures out of one. The browser's Media Source does the rest.
 */

/** The video track as its init segment describes it. */
export interface VideoTrack {
  readonly trackId: number;
  readonly timescale: number;
  /** Sample entry: avc1, hvc1, jpeg, mp4v, … */
  readonly sampleEntry: string;
}

/** One coded picture inside a run of fragments. */
export interface PictureSample {
  /** Presentation time on the track, seconds. */
  readonly timeS: number;
  readonly durationS: number;
  readonly isKey: boolean;
  readonly data: Uint8Array<ArrayBuffer>;
}

interface Box {
  readonly type: string;
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function fourcc(view: DataView, at: number): string {
  return String.fromCharCode(
    view.getUint8(at),
    view.getUint8(at + 1),
    view.getUint8(at + 2),
    view.getUint8(at + 3),
  );
}

/** Boxes between two offsets, in order; stops at the first one that does not fit. */
function boxes(view: DataView, from: number, to: number): Box[] {
  const found: Box[] = [];
  let at = from;
  while (at + 8 <= to) {
    let size = view.getUint32(at);
    let bodyStart = at + 8;
    if (size === 1 && at + 16 <= to) {
      size = Number(view.getBigUint64(at + 8));
      bodyStart = at + 16;
    } else if (size === 0) {
      size = to - at;
    }
    if (size < bodyStart - at || at + size > to) break;
    found.push({ type: fourcc(view, at + 4), start: at, bodyStart, end: at + size });
    at += size;
  }
  return found;
}

function child(view: DataView, parent: Box, ...path: string[]): Box | null {
  let box: Box | undefined = parent;
  for (const type of path) {
    if (box === undefined) return null;
    box = boxes(view, box.bodyStart, box.end).find((inner) => inner.type === type);
  }
  return box ?? null;
}

/** The video track of an init segment; null when there is none that we understand. */
export function readInit(bytes: Uint8Array): VideoTrack | null {
  const view = viewOf(bytes);
  try {
    const moov = boxes(view, 0, bytes.length).find((box) => box.type === "moov");
    if (moov === undefined) return null;
    for (const trak of boxes(view, moov.bodyStart, moov.end).filter((box) => box.type === "trak")) {
      const track = readTrack(view, trak);
      if (track !== null) return track;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return null;
}

function readTrack(view: DataView, trak: Box): VideoTrack | null {
  const handler = child(view, trak, "mdia", "hdlr");
  const media = child(view, trak, "mdia", "mdhd");
  const header = child(view, trak, "tkhd");
  const entries = child(view, trak, "mdia", "minf", "stbl", "stsd");
  if (handler === null || media === null || header === null || entries === null) return null;
  if (fourcc(view, handler.bodyStart + 8) !== "vide") return null;
  const isLong = view.getUint8(media.bodyStart) === 1;
  const isLongHeader = view.getUint8(header.bodyStart) === 1;
  const entry = boxes(view, entries.bodyStart + 8, entries.end)[0];
  return {
    trackId: view.getUint32(header.bodyStart + (isLongHeader ? 20 : 12)),
    timescale: view.getUint32(media.bodyStart + (isLong ? 20 : 12)),
    sampleEntry: entry?.type ?? "",
  };
}

interface TrackDefaults {
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
  readonly baseOffset: number | null;
}

function readDefaults(view: DataView, tfhd: Box): TrackDefaults {
  const flags = view.getUint32(tfhd.bodyStart) & 0xffffff;
  let at = tfhd.bodyStart + 8;
  const take = (bit: number, size: number): number | null => {
    if ((flags & bit) === 0) return null;
    const value = size === 8 ? Number(view.getBigUint64(at)) : view.getUint32(at);
    at += size;
    return value;
  };
  const baseOffset = take(0x01, 8);
  take(0x02, 4);
  return {
    baseOffset,
    duration: take(0x08, 4) ?? 0,
    size: take(0x10, 4) ?? 0,
    flags: take(0x20, 4) ?? 0,
  };
}

const NON_SYNC = 0x10000;

function readRun(
  view: DataView,
  run: Box,
  defaults: TrackDefaults,
  decodeTime: number,
  moof: Box,
  timescale: number,
): { samples: PictureSample[]; decodeTime: number } {
  const versionFlags = view.getUint32(run.bodyStart);
  const flags = versionFlags & 0xffffff;
  const isSigned = versionFlags >>> 24 === 1;
  const count = view.getUint32(run.bodyStart + 4);
  let at = run.bodyStart + 8;
  let offset = defaults.baseOffset ?? moof.start;
  if (flags & 0x01) {
    offset += view.getInt32(at);
    at += 4;
  }
  let firstFlags: number | null = null;
  if (flags & 0x04) {
    firstFlags = view.getUint32(at);
    at += 4;
  }
  const samples: PictureSample[] = [];
  for (let index = 0; index < count; index += 1) {
    const field = (bit: number, otherwise: number): number => {
      if ((flags & bit) === 0) return otherwise;
      at += 4;
      return view.getUint32(at - 4);
    };
    const duration = field(0x100, defaults.duration);
    const size = field(0x200, defaults.size);
    const sampleFlags = field(0x400, index === 0 && firstFlags !== null ? firstFlags : defaults.flags);
    const rawComposition = field(0x800, 0);
    const composition = isSigned ? rawComposition | 0 : rawComposition;
    if (offset + size > view.byteLength) break;
    samples.push({
      timeS: (decodeTime + composition) / timescale,
      durationS: duration / timescale,
      isKey: (sampleFlags & NON_SYNC) === 0,
      data: new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset + offset, size),
    });
    decodeTime += duration;
    offset += size;
  }
  return { samples, decodeTime };
}

/** Pictures of the video track in one or more fragments, in decoding order; never throws. */
export function readPictures(bytes: Uint8Array, track: VideoTrack): PictureSample[] {
  const view = viewOf(bytes);
  const pictures: PictureSample[] = [];
  try {
    for (const moof of boxes(view, 0, bytes.length).filter((box) => box.type === "moof")) {
      for (const traf of boxes(view, moof.bodyStart, moof.end).filter((box) => box.type === "traf")) {
        pictures.push(...readTrackFragment(view, traf, moof, track));
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return pictures;
}

function readTrackFragment(view: DataView, traf: Box, moof: Box, track: VideoTrack): PictureSample[] {
  const inner = boxes(view, traf.bodyStart, traf.end);
  const tfhd = inner.find((box) => box.type === "tfhd");
  const tfdt = inner.find((box) => box.type === "tfdt");
  if (tfhd === undefined || view.getUint32(tfhd.bodyStart + 4) !== track.trackId) return [];
  const defaults = readDefaults(view, tfhd);
  let decodeTime = 0;
  if (tfdt !== undefined) {
    const isLong = view.getUint8(tfdt.bodyStart) === 1;
    decodeTime = isLong ? Number(view.getBigUint64(tfdt.bodyStart + 4)) : view.getUint32(tfdt.bodyStart + 4);
  }
  const pictures: PictureSample[] = [];
  for (const run of inner.filter((box) => box.type === "trun")) {
    const read = readRun(view, run, defaults, decodeTime, moof, track.timescale);
    pictures.push(...read.samples);
    decodeTime = read.decodeTime;
  }
  return pictures;
}

/** True when a sample is a whole JPEG picture (SOI marker, ITU-T T.81 §B.1.1.3). */
export function isJpeg(data: Uint8Array): boolean {
  return data[0] === 0xff && data[1] === 0xd8;
}

/** The nearest picture after (or before) a time on the track. */
export function pictureBeyond(
  pictures: readonly PictureSample[],
  timeS: number,
  direction: 1 | -1,
): PictureSample | null {
  let best: PictureSample | null = null;
  for (const picture of pictures) {
    const isBeyond = direction > 0 ? picture.timeS > timeS + 0.0005 : picture.timeS < timeS - 0.0005;
    if (!isBeyond) continue;
    const isNearer = best === null || direction * (best.timeS - picture.timeS) > 0;
    if (isNearer) best = picture;
  }
  return best;
}
