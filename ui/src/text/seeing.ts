/** Words of what cameras watch: zones, lines, events, coverage, detectors. */

const plural = (count: number, one: string, many: string) => (count === 1 ? `1 ${one}` : `${count} ${many}`);

const SORTS: Readonly<Record<string, string>> = {
  person: "Person",
  bicycle: "Bicycle",
  motorcycle: "Motorcycle",
  car: "Car",
  bus: "Bus",
  truck: "Lorry",
  vehicle: "Vehicle",
  animal: "Animal",
  bag: "Bag",
};

/** The classes a person can choose from, in the order of their use. */
export const SORTS_OFFERED = [
  "person",
  "vehicle",
  "bicycle",
  "motorcycle",
  "car",
  "bus",
  "truck",
  "animal",
  "bag",
];

export function sortWords(objectClass: string | null): string {
  return SORTS[objectClass ?? ""] ?? objectClass ?? "";
}

const KINDS: Readonly<Record<string, string>> = {
  "zone.entered": "Enters a zone",
  "zone.present": "Stays in a zone",
  "zone.left": "Leaves a zone",
  "line.crossed": "Crosses a line",
  "device.motion": "Motion, by the camera",
  "device.input": "Input of the camera",
  "device.tamper": "Tampering, by the camera",
  "device.other": "Something else, by the camera",
};

/** Kinds that are no plug-in's: what cameras report themselves. */
export const DEVICE_KINDS = ["device.motion", "device.input", "device.tamper", "device.other"];

export function kindWords(kind: string): string {
  return KINDS[kind] ?? kind;
}

const COVERAGE: Readonly<Record<string, string>> = {
  analysed: "Analysed",
  shed: "Not analysed: this machine had too much to do",
  no_stream: "Not analysed: no pictures came",
  undecodable: "Not analysed: the pictures could not be decoded",
  no_detector: "Not analysed: no detector is installed",
  switched_off: "Not analysed: nothing is switched on",
  our_restart: "Not analysed: the analyst was restarted",
  unknown: "Not analysed: nobody looked",
};

export function coverageWords(reason: string, detail = ""): string {
  const words = COVERAGE[reason] ?? reason;
  return detail === "" ? words : `${words}. ${detail}`;
}

const AI_CLASSES: Readonly<Record<string, string>> = {
  none: "No AI system: arithmetic on what others found",
  minimal: "AI system of minimal risk",
  transparency: "AI system with a duty to inform people (Art. 50)",
  high_risk: "High-risk AI system (Annex III): needs an assessment before use",
};

export function aiClassWords(aiClass: string): string {
  return AI_CLASSES[aiClass] ?? aiClass;
}

export function directionWords(direction: string): string {
  if (direction === "a_to_b") return "from A to B";
  return direction === "b_to_a" ? "from B to A" : direction;
}

export const watchText = {
  title: (name: string) => `What ${name} watches`,
  link: "What it watches",
  section: "What it watches",
  sectionHint:
    "Zones and lines in the picture; what happens there becomes an event, and rules make alarms of it.",
  back: "Back to the camera",
  list: "What is watched",
  empty: "Nothing is watched yet",
  emptyHint:
    "Draw a zone where somebody or something may not be, or a line whose crossings count. Until then, no event comes from this camera.",
  addZone: "Draw a zone",
  addLine: "Draw a line",
  addOther: (title: string) => `Add: ${title}`,
  isOn: (name: string) => `${name} is on`,
  on: "On",
  off: "Off",
  switchedOn: (name: string) => `${name} is on.`,
  switchedOff: (name: string) => `${name} is off.`,
  trouble: (words: string) => `Switched off by trouble: ${words}`,
  open: (name: string) => `Change ${name}`,
  remove: "Remove",
  removed: (name: string) => `${name} was removed.`,
  restored: (name: string) => `${name} is back.`,
  save: "Save",
  saved: (name: string) => `${name}: saved. It counts within seconds.`,
  discard: "Discard",
  unsaved: "Not saved yet",
  changed: (by: string, at: string) => `Last changed by ${by}, ${at}`,
  pluginBroken: (why: string) => `This analytic cannot run here: ${why}`,
  readOnly: "You may see this; changing it needs the permission “camera.edit”.",
  name: "Name",
  nameHint: "Stands on alarms: “Back door”, “Bus lane”.",
  nameNeeded: "Give it a name.",
  classes: "Who or what counts",
  classesHint: "None ticked: everything the detector finds.",
  minHeight: "Smallest height that counts, % of the picture",
  minHeightHint: (px: number, px2: number) =>
    `${px} px here. Shown as the dashed box in the picture; the analytic was validated from ${px2} px.`,
  minHeightPlain: (px: number) => `${px} px here. Shown as the dashed box in the picture.`,
  direction: "Which crossings count",
  directions: { both: "Both ways", a_to_b: "From A to B only", b_to_a: "From B to A only" } as Readonly<
    Record<string, string>
  >,
  schedule: "When it watches",
  more: "More settings",
  infers: "What it concludes",
  aiClass: "Class of AI use",
  editor: {
    label: (shape: string) => `${shape}, drawn on the picture`,
    zone: "Zone",
    line: "Line",
    help: {
      draw: "Click in the picture to set points. Enter, or a click on the first point, closes the zone.",
      drawLine: "Click in the picture to set points. Enter ends the line.",
      edit: "Drag points, or click one and then click where it shall be. A plus in the middle of an edge adds a point.",
      keys: "Tab goes from point to point; arrows move by 1 px, with Shift by 10 px; Delete removes.",
      foot: "Somebody is in the zone when the middle of the lower edge of their box is.",
    },
    point: (n: number, x: number, y: number) => `Point ${n}, ${x} px across, ${y} px down`,
    addAt: (n: number) => `Add a point after point ${n}`,
    whole: (shape: string) => `Whole ${shape.toLowerCase()}: arrows move it`,
    undo: "Undo",
    redo: "Redo",
    addPoint: "Add a point",
    removePoint: "Remove the point",
    close: "Close the shape",
    start: "Begin with a shape in the middle",
    again: "Draw anew",
    turn: "Swap A and B",
    picked: (n: number) => `Point ${n} is picked up: click where it shall be, or press Escape.`,
    faults: {
      tooFewZone: "A zone needs three points at least.",
      tooFewLine: "A line needs two points.",
      crosses: "The edges cross each other. Move a point so that they do not.",
      tooSmall: "The zone is too small to stand in.",
      tooShort: "The line is too short.",
    },
    good: (n: number) => `${plural(n, "point", "points")}; the shape is good.`,
    still: "The last picture; nothing live comes just now.",
    noPicture: "No picture: points are set on an empty ground.",
    height: "Smallest",
    points: "Points as numbers",
    x: (n: number) => `Point ${n}, px across`,
    y: (n: number) => `Point ${n}, px down`,
  },
} as const;

export const eventsText = {
  title: "Events",
  list: (name: string) => `Events of ${name}`,
  toggle: "Events",
  kind: "What",
  sort: "Who or what",
  all: "All",
  empty: "No events",
  emptyHint: (name: string) =>
    `Nothing was seen at ${name} in this part of time. Draw a zone under Devices, or look elsewhere.`,
  nothing: "No event matches these filters.",
  older: "Older events",
  go: (what: string, at: string) => `Go to ${what} at ${at}`,
  next: "Next event",
  previous: "Previous event",
  noNext: "No later event.",
  noPrevious: "No earlier event.",
  nextMotion: "Next motion",
  previousMotion: "Previous motion",
  motionHint:
    "By the sizes of the coded pictures: good with a variable bit rate by day, poor with a constant one, at night, or for what is small.",
  noNextMotion: "No motion found within a day after this, by the sizes of the coded pictures.",
  noPreviousMotion: "No motion found within a day before this, by the sizes of the coded pictures.",
  score: (percent: number) => `${percent} % sure`,
  lasting: (length: string) => `lasted ${length}`,
  stillLasts: "still lasts",
  truncated: (count: number) => `The newest ${count} of this part of time; zoom in for all.`,
  picture: (what: string) => `Picture of: ${what}`,
  noPicture: "No picture was kept.",
  choose: "Choose a camera to see its events.",
  legend:
    "Events under the recorded row: square zone, arrow line, diamond camera, circle other; red triangle: an alarm was raised.",
  raisedAlarm: "An alarm was raised",
  columns: { at: "Time", what: "What", sort: "Who or what", place: "Zone or line", score: "Sure" },
  kindEvent: "Event",
  kindUnseen: "Not analysed",
  count: (count: number) => plural(count, "event", "events"),
} as const;

export const seeingText = {
  title: "Seeing",
  stale: "The analyst has not answered lately; these figures are old.",
  detector: (name: string) => `Detector: ${name}`,
  channels: "By camera",
  noChannels: "No camera is looked at: draw a zone or a line on one.",
  models: "Models",
  noModels: "No model is installed.",
  trouble: "Analytics in trouble",
  noTrouble: "No analytic is in trouble.",
  troubleOf: (name: string) => `Analytic ${name}`,
  columns: {
    camera: "Camera",
    coverage: "Coverage",
    since: "Since",
    frames: "Pictures per second",
    moving: "Moving",
    detections: "Detector calls per second",
    cost: "Cost, ms per s",
    size: "Size",
    objects: "Objects",
    shed: "Left out",
    name: "Name",
    task: "Task",
    state: "State",
    licence: "Licence",
    input: "Input",
    card: "Card",
  },
  modelStates: {
    active: "In use",
    installed: "Installed",
    missing: "Not installed",
    refused: "Refused",
  } as Readonly<Record<string, string>>,
  verified: "checked",
  unverified: "unverified: works by import only",
  card: (name: string) => `Model card of ${name}`,
} as const;
