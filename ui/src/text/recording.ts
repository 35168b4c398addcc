/** Words for when a camera is recorded. */
export const recordingText = {
  title: "Recording",
  mode: "Record",
  modes: {
    continuous: "Always",
    schedule: "In hours of the week",
    on_event: "When something happens",
  },
  hint: {
    schedule: "Outside these hours nothing is recorded, unless a rule or a person asks for it.",
    on_event:
      "Nothing is on the disk before something happens; while the server is away, everything is recorded.",
  },
  before: "Seconds before",
  after: "Seconds after",
  save: "Save recording",
  saved: "The recorder goes by it now.",
  recordNow: "Record now",
  recordingNow: (seconds: number) => `It is recorded for ${String(seconds)} seconds from now.`,
} as const;
