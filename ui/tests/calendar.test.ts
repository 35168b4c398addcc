import { expect, test } from "vitest";
import { quartersOf } from "../src/widgets/Calendar";

test("a day is marked by the quarters of it that are recorded, begun ones too", () => {
  expect([0, 1, 21_600, 21_720, 64_000, 86_400, 90_000].map(quartersOf)).toEqual([1, 1, 1, 2, 3, 4, 4]);
});
