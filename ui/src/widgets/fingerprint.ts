/** A fingerprint as people compare it: capital pairs, set apart, eight to a line. */

export function fingerprintText(hex: string): string {
  const pairs =
    hex
      .replaceAll(":", "")
      .toUpperCase()
      .match(/.{1,2}/g) ?? [];
  const lines: string[] = [];
  for (let at = 0; at < pairs.length; at += 8) lines.push(pairs.slice(at, at + 8).join(":"));
  return lines.join("\n");
}
