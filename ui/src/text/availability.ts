/** Words of the table of availability on Health. */

export const availabilityText = {
  title: "Availability",
  hint: "How much was recorded of what should have been. What was deleted in time still counts as recorded.",
  empty: "There is no camera.",
  export: "Download as CSV",
  previous: "Earlier month",
  next: "Later month",
  nothingDue: "nothing due",
  columns: { camera: "Camera", share: "Recorded", missing: "Missing", why: "Why" },
  /** 0 to 1 in per cent; never 100 when something is missing. */
  share: (share: number): string =>
    share === 1 ? "100 %" : `${(Math.floor(share * 100_000) / 1000).toFixed(3)} %`,
} as const;
