import { describe, expect, it } from "vitest";
import { arrivalUs } from "../src/widgets/player/whepPlayer";

describe("the arrival of a picture by its RTP timestamp", () => {
  const known = { rtp_timestamp: 2 ** 32 - 9_000, arrival_us: 5_000_000 };

  it("is told from one that is known, before and after", () => {
    expect(arrivalUs(known.rtp_timestamp + 4_500, known)).toBe(5_050_000);
    expect(arrivalUs(known.rtp_timestamp - 90_000, known)).toBe(4_000_000);
  });

  it("goes on where the timestamp begins anew", () => {
    expect(arrivalUs(9_000, known)).toBe(5_200_000);
  });
});
