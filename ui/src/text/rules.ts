/** Words of rules, targets and deliveries. */

const plural = (count: number, one: string, many: string) => (count === 1 ? `1 ${one}` : `${count} ${many}`);

export const rulesText = {
  title: "Rules",
  add: "New rule",
  list: "Rules",
  empty: "No rules yet",
  emptyHint:
    "A rule says which events raise an alarm, or do something else. Without one, events are only kept.",
  on: "On",
  off: "Off",
  switchOn: (name: string) => `${name} is on`,
  switchedOn: (name: string) => `${name} is on.`,
  switchedOff: (name: string) => `${name} is off.`,
  changed: (version: number, by: string, at: string) => `Version ${version}, ${by}, ${at}`,
  edit: (name: string) => `Change ${name}`,
  remove: "Remove",
  removed: (name: string) => `The rule ${name} was removed.`,
  saved: (name: string) => `${name}: saved.`,
  save: "Save",
  discard: "Discard",
  back: "All rules",
  unsaved: "Not saved yet",
  readOnly: "You may read rules; changing them needs the permission “rule.manage”.",
  trouble: (words: string) => `Does not work as written: ${words}`,
  name: "Name",
  nameNeeded: "Give it a name.",
  when: "When",
  at: "at",
  during: "during",
  condition: "if",
  act: "do",
  kinds: "What happens",
  kindsAny: "anything",
  classes: "To whom or what (none ticked: everything)",
  zones: "In these zones or at these lines only (empty: in all)",
  zonesHint: "By their names.",
  everywhere: "On all cameras",
  some: "On these cameras and groups only",
  cameras: "Cameras",
  groups: "Groups",
  atNeeded: "Choose a camera or a group, or all cameras.",
  minScore: "The detector is at least this sure, %",
  minLasting: "It lasts at least, s",
  direction: "Direction of a crossing",
  directions: { "": "Either", a_to_b: "From A to B", b_to_a: "From B to A" } as Readonly<
    Record<string, string>
  >,
  rest: "Then rest, s",
  restHint: "For one camera: not again within this time.",
  actions: "Then",
  addAction: "And also",
  choose: "Choose…",
  noActions: "Choose what is to be done.",
  actionGone: (name: string) => `The action “${name}” is not installed here.`,
  takeOut: "Take out",
  removeAction: (title: string) => `Take out “${title}”`,
  dryRun: "Try on the last 24 h",
  dryRunning: "Looking through the last 24 h…",
  dryHint: "Nothing is done: events of the last 24 hours are put to the rule as it stands here.",
  dry: (count: number, isMore: boolean) =>
    count === 0
      ? "It would not have fired."
      : `It would have fired ${isMore ? "more than " : ""}${plural(count, "time", "times")}.`,
  dryRate: (perHour: string) => `${perHour} an hour.`,
  dryMany: "More than one person can follow all day. Make it stricter, or give it a rest.",
  drySee: (at: string, camera: string) => `See ${camera} at ${at}`,
  sentence: (parts: {
    readonly what: string;
    readonly who: string;
    readonly zones: string;
    readonly at: string;
    readonly during: string;
    readonly condition: string;
    readonly act: string;
  }) =>
    `When: ${parts.what}${parts.who}${parts.zones}, ${parts.at}${parts.during}${parts.condition}. Then: ${parts.act}.`,
  sentenceParts: {
    or: " or ",
    and: " and ",
    who: (classes: string) => ` (${classes})`,
    zones: (zones: string) => ` in ${zones}`,
    everywhere: "on any camera",
    at: (places: string) => `on ${places}`,
    nowhere: "nowhere",
    during: (hours: string) => `, ${hours}`,
    condition: (words: string) => `, if ${words}`,
    score: (percent: number) => `at least ${percent} % sure`,
    lasting: (s: number) => `it lasts ${s} s`,
    direction: (words: string) => `it goes ${words.toLowerCase()}`,
    nothing: "nothing is done",
  },
} as const;

export const targetsText = {
  title: "Notifications",
  intro: "Where messages go: rules send to targets, and alarms nobody takes go to those for escalation.",
  add: "New target",
  empty: "No targets yet",
  emptyHint: "A target is an address to tell: a web address (webhook), a mailbox, a message broker (MQTT).",
  name: "Name",
  notifier: "Way",
  isOn: "On",
  isEscalation: "Told when nobody takes an alarm",
  escalation: "Escalation",
  save: "Save",
  saved: (name: string) => `${name}: saved.`,
  remove: "Remove",
  removed: (name: string) => `${name} was removed.`,
  test: "Send a test",
  testing: "Sending…",
  testGood: (words: string) => (words === "" ? "The test arrived." : words),
  secretKept: "Passwords are not shown. Leave a field empty to keep what is stored.",
  broken: (why: string) => `Cannot be used: ${why}`,
  deliveries: "Deliveries",
  noDeliveries: "Nothing has been sent yet.",
  columns: {
    at: "Time",
    target: "Target",
    subject: "Subject",
    state: "State",
    attempts: "Attempts",
    why: "Why",
  },
  states: { waiting: "Waits", sent: "Sent", failed: "Failed" } as Readonly<Record<string, string>>,
  nextTry: (at: string) => `again at ${at}`,
  older: "Older",
  gone: "a target that was removed",
} as const;
