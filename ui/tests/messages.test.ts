import { describe, expect, it } from "vitest";
import { readLiveMessage } from "../src/api/liveMessages";
import { problemOf } from "../src/api/result";
import { isJpeg, readInit, readPictures } from "../src/widgets/player/boxes";

function message(type: number, atUs: number, payload: Uint8Array): ArrayBuffer {
  const buffer = new ArrayBuffer(9 + payload.length);
  const view = new DataView(buffer);
  view.setUint8(0, type);
  view.setBigInt64(1, BigInt(atUs));
  new Uint8Array(buffer).set(payload, 9);
  return buffer;
}

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe("live messages", () => {
  it("reads each type", () => {
    expect(readLiveMessage(message(2, 1_795_000_000_000_000, new Uint8Array([1, 2])))).toMatchObject({
      type: "fragment",
      atUs: 1_795_000_000_000_000,
    });
    expect(
      readLiveMessage(message(3, 5, json({ state: "lost", reason: "stalled", detail: "", since_us: 4 }))),
    ).toMatchObject({ type: "state", state: "lost", reason: "stalled", sinceUs: 4, mseType: undefined });
    expect(readLiveMessage(message(4, 5, json({ count: 7 })))).toEqual({
      type: "dropped",
      atUs: 5,
      count: 7,
    });
    expect(readLiveMessage(message(5, 5, json({ pong: 3 })))).toEqual({ type: "clock", atUs: 5, pong: 3 });
  });
  it("survives what is cut short, broken or from the future", () => {
    expect(readLiveMessage(new ArrayBuffer(4))).toBeNull();
    expect(readLiveMessage(message(99, 5, new Uint8Array(0)))).toBeNull();
    expect(readLiveMessage(message(3, 5, new Uint8Array([123])))).toMatchObject({ state: "connecting" });
  });
});

function box(type: string, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, size);
  bytes.set(new TextEncoder().encode(type), 4);
  let at = 8;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  values.forEach((value, index) => new DataView(bytes.buffer).setUint32(index * 4, value));
  return bytes;
}

function fragment(decodeTime: number, size: number): Uint8Array<ArrayBuffer> {
  const mdat = box("mdat", new Uint8Array(size).fill(0xff));
  const traf = (offset: number) =>
    box(
      "traf",
      box("tfhd", words(0x020000, 1)),
      box("tfdt", words(0x01000000, 0, decodeTime)),
      box("trun", words(0x000f01, 1, offset, 6000, size, 0x02000000, 90)),
    );
  const moof = box("moof", box("mfhd", words(0, 1)), traf(0));
  const whole = box("moof", box("mfhd", words(0, 1)), traf(moof.length + 8));
  const joined = new Uint8Array(whole.length + mdat.length);
  joined.set(whole);
  joined.set(mdat, whole.length);
  return joined;
}

describe("boxes", () => {
  const track = { trackId: 1, timescale: 90_000, sampleEntry: "avc1" };
  it("finds time, key and bytes of a picture", () => {
    const [picture] = readPictures(fragment(90_000, 5), track);
    expect(picture?.timeS).toBeCloseTo(1.001);
    expect(picture?.isKey).toBe(true);
    expect(picture?.data.length).toBe(5);
  });
  it("never throws, wherever the bytes end", () => {
    const whole = fragment(1, 40);
    for (let end = 0; end < whole.length; end += 1) {
      expect(() => readPictures(whole.slice(0, end), track)).not.toThrow();
      expect(() => readInit(whole.slice(0, end))).not.toThrow();
    }
  });
  it("knows a JPEG by its first marker", () => {
    expect(isJpeg(new Uint8Array([0xff, 0xd8, 0xff]))).toBe(true);
    expect(isJpeg(new Uint8Array([0, 0, 0, 24]))).toBe(false);
  });
});

describe("problems", () => {
  it("keep the server's words, and have a kind even from a proxy", () => {
    expect(problemOf(403, { error: { kind: "denied", message: "No." } }, null)).toMatchObject({
      kind: "denied",
      message: "No.",
    });
    expect(problemOf(503, "<html>", null).kind).toBe("unavailable");
    expect(
      problemOf(429, { error: { kind: "exhausted", message: "", retry_after_s: 9 } }, null).retryAfterS,
    ).toBe(9);
    expect(problemOf(429, null, "30").retryAfterS).toBe(30);
  });
});
