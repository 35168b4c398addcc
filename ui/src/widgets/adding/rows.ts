/** Cameras on their way in: what each row is, and how a list of them changes. Pure. */

import type {
  ChannelDraft,
  FoundDevice,
  Imported,
  ImportRow,
  Reach,
  TransportName,
  Tried,
  Trouble,
} from "../../api/devices";

export type RowState = "waiting" | "testing" | "good" | "trouble" | "listed" | "adding" | "added";

export interface Row {
  readonly key: string;
  /** What is known of it before it was asked: name, maker, model. */
  readonly label: string;
  readonly address: string;
  readonly driver: string | null;
  readonly username: string;
  readonly password: string;
  readonly transport: TransportName;
  readonly tlsFingerprint: string | null;
  readonly input: number;
  readonly state: RowState;
  readonly tried: Tried | null;
  readonly trouble: Trouble | null;
  readonly name: string;
  readonly isNameTyped: boolean;
  readonly place: string;
  readonly latitude: string;
  readonly longitude: string;
  readonly purpose: string;
  readonly groupId: string;
  readonly audio: boolean;
  readonly channelId: string | null;
  /** The row came from this line of the table and is tested when it is added. */
  readonly csvLine: number | null;
}

export interface Shared {
  readonly place: string;
  readonly purpose: string;
  readonly groupId: string;
}

export const NO_SHARED: Shared = { place: "", purpose: "", groupId: "" };

const BLANK: Omit<Row, "key" | "address"> = {
  label: "",
  driver: null,
  username: "",
  password: "",
  transport: "auto",
  tlsFingerprint: null,
  input: 0,
  state: "waiting",
  tried: null,
  trouble: null,
  name: "",
  isNameTyped: false,
  place: "",
  latitude: "",
  longitude: "",
  purpose: "",
  groupId: "",
  audio: false,
  channelId: null,
  csvLine: null,
};

let serial = 0;

export function rowOf(address: string, known: Partial<Row> = {}): Row {
  serial += 1;
  return { ...BLANK, ...known, key: `row-${serial}`, address: address.trim() };
}

export function foundName(found: FoundDevice): string {
  if (found.name !== "") return found.name;
  const model = [found.maker, found.hardware].filter((word) => word !== "").join(" ");
  return model === "" ? (found.addresses[0] ?? "") : model;
}

export function rowOfFound(found: FoundDevice, username: string, password: string): Row {
  const label = foundName(found);
  return rowOf(found.addresses[0] ?? "", {
    driver: found.driver,
    label,
    name: found.name,
    username,
    password,
  });
}

export function rowOfImport(row: ImportRow): Row | null {
  if (row.draft === null) return null;
  const { draft } = row;
  return rowOf(draft.address, {
    label: draft.name,
    name: draft.name,
    isNameTyped: true,
    username: draft.username ?? "",
    place: draft.place ?? "",
    purpose: draft.purpose ?? "",
    state: "listed",
    csvLine: row.line,
  });
}

export function reachOf(row: Row): Reach {
  return {
    address: row.address,
    transport: row.transport,
    ...(row.driver === null ? {} : { driver: row.driver }),
    ...(row.username === "" ? {} : { username: row.username }),
    ...(row.password === "" ? {} : { password: row.password }),
    ...(row.tlsFingerprint === null ? {} : { tls_fingerprint: row.tlsFingerprint }),
  };
}

function suggestedName(row: Row, tried: Tried): string {
  if (row.isNameTyped || row.name !== "") return row.name;
  const { identity } = tried;
  const model = [identity?.maker ?? "", identity?.model ?? ""].filter((word) => word !== "").join(" ");
  return model === "" ? row.label : model;
}

/** What a test's answer makes of a row. */
export function withTried(row: Row, tried: Tried): Row {
  if (tried.verdict === "trouble") {
    return { ...row, state: "trouble", tried: null, trouble: tried.trouble };
  }
  return {
    ...row,
    state: "good",
    tried,
    trouble: null,
    driver: tried.driver ?? row.driver,
    address: tried.address === "" ? row.address : tried.address,
    name: suggestedName(row, tried),
  };
}

export function withTrouble(row: Row, trouble: Trouble): Row {
  return { ...row, state: "trouble", trouble, tried: null };
}

export function withImported(row: Row, imported: Imported): Row {
  if (imported.channel_id !== null) {
    return { ...row, state: "added", channelId: imported.channel_id, trouble: null };
  }
  const trouble = imported.trouble ?? {
    code: "row",
    words: imported.problem ?? "",
    advice: "",
    fingerprint: null,
  };
  return withTrouble(row, trouble);
}

/** Changes after which an older test says nothing any more. */
const REACH_FIELDS: readonly (keyof Row)[] = [
  "address",
  "username",
  "password",
  "transport",
  "tlsFingerprint",
  "input",
];

export function withChange(row: Row, change: Partial<Row>): Row {
  const isReach = REACH_FIELDS.some((name) => change[name] !== undefined && change[name] !== row[name]);
  const next = { ...row, ...change, ...(change.name === undefined ? {} : { isNameTyped: true }) };
  if (!isReach) return next;
  // What was found belongs to the old address; a row of a table becomes one of its own.
  const driver = change.address !== undefined && change.address !== row.address ? null : next.driver;
  return { ...next, driver, state: "waiting", tried: null, csvLine: null };
}

function numberOf(text: string): number | null {
  const value = Number.parseFloat(text.replace(",", "."));
  return text.trim() !== "" && Number.isFinite(value) ? value : null;
}

export function draftOf(row: Row, shared: Shared): ChannelDraft {
  const place = row.place.trim() === "" ? shared.place.trim() : row.place.trim();
  const purpose = row.purpose === "" ? shared.purpose : row.purpose;
  const groupId = row.groupId === "" ? shared.groupId : row.groupId;
  const latitude = numberOf(row.latitude);
  const longitude = numberOf(row.longitude);
  return {
    input: row.input,
    name: row.name.trim(),
    ...(place === "" ? {} : { place }),
    ...(purpose === "" ? {} : { purpose }),
    ...(groupId === "" ? {} : { group_id: groupId }),
    ...(latitude === null || longitude === null ? {} : { latitude, longitude }),
    ...(row.audio ? { audio: true } : {}),
  };
}

export function isReady(row: Row): boolean {
  return (row.state === "good" || row.state === "listed") && row.name.trim() !== "";
}

export interface Tally {
  readonly tested: number;
  readonly ready: number;
  readonly troubled: number;
  readonly added: number;
  readonly busy: number;
  readonly open: number;
}

export function tally(rows: readonly Row[]): Tally {
  const count = (...states: RowState[]) => rows.filter((row) => states.includes(row.state)).length;
  return {
    tested: rows.length - count("waiting", "testing"),
    ready: rows.filter(isReady).length,
    troubled: count("trouble"),
    added: count("added"),
    busy: count("testing", "adding"),
    open: rows.length - count("added"),
  };
}

/** Run a task for each item, at most `width` at a time; a failure of one stops no other. */
export async function pool<T>(
  items: readonly T[],
  width: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
