/** What a browser's address bar says of the host: a name others can use, an address, or only this machine. */

export type AddressKind = "name" | "address" | "local";

export function addressKind(host: string): AddressKind {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(bare) || bare.includes(":")) return "address";
  if (bare === "localhost" || bare.endsWith(".localhost")) return "local";
  return "name";
}

export function suggestedHost(host: string): string {
  return addressKind(host) === "name" ? host : "";
}
