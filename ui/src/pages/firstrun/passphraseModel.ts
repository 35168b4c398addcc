/** Rules of a vault passphrase, as the page shows them; the server has the last word. */

export const LEAST = 12;
const LEAST_DIFFERENT = 6;

export type RuleName = "length" | "variety" | "own" | "again";

/** Each rule and whether it is fulfilled, in the order shown. */
export function rulesOf(
  passphrase: string,
  again: string,
  siteName: string,
): readonly (readonly [RuleName, boolean])[] {
  const small = passphrase.toLowerCase().trim();
  const own = siteName.toLowerCase().trim();
  const isRepeated = /^(.{1,6}?)\1+$/.test(small);
  return [
    ["length", passphrase.length >= LEAST],
    ["variety", new Set(small).size >= LEAST_DIFFERENT],
    ["own", small !== "" && small !== own && !isRepeated],
    ["again", passphrase !== "" && passphrase === again],
  ];
}
