import { describe, expect, it } from "vitest";
import type { Tried, Trouble } from "../src/api/devices";
import { addressKind, suggestedHost } from "../src/pages/firstrun/hostModel";
import { rulesOf } from "../src/pages/firstrun/passphraseModel";
import {
  draftOf,
  isReady,
  NO_SHARED,
  pool,
  reachOf,
  rowOf,
  rowOfImport,
  tally,
  withChange,
  withImported,
  withTried,
} from "../src/widgets/adding/rows";
import { fingerprintText } from "../src/widgets/fingerprint";

const TROUBLE: Trouble = { code: "authentication", words: "No.", advice: "Type.", fingerprint: null };

function tried(change: Partial<Tried> = {}): Tried {
  return {
    verdict: "good",
    trouble: null,
    driver: "onvif",
    address: "http://10.0.0.5/onvif/device_service",
    identity: { maker: "Acme", model: "Dome 4", firmware: "1", serial: "2", hardware: "3" },
    clock_offset_ms: 0,
    abilities: [],
    inputs: [],
    picture_jpeg_base64: null,
    took_ms: 10,
    transport: "tcp",
    sends_password_in_clear: false,
    warnings: [],
    ...change,
  };
}

describe("a row", () => {
  it("is called after its maker and model, never over a name that was typed", () => {
    expect(withTried(rowOf("10.0.0.5"), tried()).name).toBe("Acme Dome 4");
    const named = withChange(rowOf("10.0.0.5"), { name: "Gate" });
    expect(withTried(named, tried()).name).toBe("Gate");
  });

  it("keeps where and by which driver the device was found", () => {
    expect(reachOf(withTried(rowOf("10.0.0.5"), tried()))).toEqual({
      address: "http://10.0.0.5/onvif/device_service",
      driver: "onvif",
      transport: "auto",
    });
  });

  it("needs a test again after its address or password changed, and asks any driver after the address", () => {
    const good = withTried(rowOf("10.0.0.5"), tried());
    expect(isReady(good)).toBe(true);
    expect(isReady(withChange(good, { password: "x" }))).toBe(false);
    expect(withChange(good, { password: "x" }).driver).toBe("onvif");
    expect(withChange(good, { address: "10.0.0.6" }).driver).toBeNull();
    expect(isReady(withChange(good, { place: "Gate" }))).toBe(true);
  });

  it("of a table is added by its line until something about it was changed", () => {
    const draft = { name: "Gate", address: "rtsp://10.0.0.5/1", username: null, has_password: true };
    const row = rowOfImport({ line: 2, draft, problem: null });
    expect(row?.csvLine).toBe(2);
    expect(row !== null && isReady(row)).toBe(true);
    const refused = row && withImported(row, { line: 2, channel_id: null, trouble: TROUBLE, problem: null });
    expect(refused?.state).toBe("trouble");
    expect(refused && withChange(refused, { password: "x" }).csvLine).toBeNull();
    expect(rowOfImport({ line: 3, draft: null, problem: "no" })).toBeNull();
  });
});

describe("a draft", () => {
  it("takes what is set for all where the row has nothing of its own", () => {
    const shared = { place: "Quay", purpose: "traffic", groupId: "g" };
    const row = { ...rowOf("a"), name: " Gate ", place: "Pier" };
    expect(draftOf(row, shared)).toEqual({
      input: 0,
      name: "Gate",
      place: "Pier",
      purpose: "traffic",
      group_id: "g",
    });
  });

  it("has a position only when both of its numbers were given", () => {
    const row = { ...rowOf("a"), name: "Gate", latitude: "42,7" };
    expect(draftOf(row, NO_SHARED)).not.toHaveProperty("latitude");
    expect(draftOf({ ...row, longitude: "23.3" }, NO_SHARED)).toMatchObject({
      latitude: 42.7,
      longitude: 23.3,
    });
  });
});

describe("the tally", () => {
  it("counts good, bad and open ones", () => {
    const good = withTried(rowOf("a"), tried());
    const bad = withTried(rowOf("b"), tried({ verdict: "trouble", trouble: TROUBLE }));
    const found = tally([good, bad, rowOf("c"), { ...good, state: "added" }]);
    expect(found).toEqual({ tested: 3, ready: 1, troubled: 1, added: 1, busy: 0, open: 3 });
  });
});

describe("the pool", () => {
  it("never runs more than its width at once, and runs all", async () => {
    let now = 0;
    let most = 0;
    const done: number[] = [];
    await pool([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      now += 1;
      most = Math.max(most, now);
      await Promise.resolve();
      now -= 1;
      done.push(item);
    });
    expect(most).toBe(3);
    expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("a host", () => {
  it("is a name, an address or only this machine", () => {
    expect(["civiscope.local", "192.168.1.20", "[fd00::1]", "localhost"].map(addressKind)).toEqual([
      "name",
      "address",
      "address",
      "local",
    ]);
    expect(suggestedHost("192.168.1.20")).toBe("");
    expect(suggestedHost("cameras.town.example")).toBe("cameras.town.example");
  });
});

describe("a vault passphrase", () => {
  const good = (word: string, again = word) =>
    rulesOf(word, again, "Old Town Sofia").every(([, isGood]) => isGood);
  it("is long, varied, not the site's name, and typed the same twice", () => {
    expect(good("seven gulls over the pier")).toBe(true);
    expect(good("short")).toBe(false);
    expect(good("aaaaaaaaaaaaaaaa")).toBe(false);
    expect(good("passwpasswpassw")).toBe(false);
    expect(good("old town sofia")).toBe(false);
    expect(good("seven gulls over the pier", "seven gulls")).toBe(false);
  });
});

describe("a fingerprint", () => {
  it("is shown in capital pairs, eight to a line", () => {
    expect(fingerprintText("00ff10203040506070")).toBe("00:FF:10:20:30:40:50:60\n70");
  });
});
