/** Signs as drawings of our own: no font has to have them. All on a square of 24. */

const LINES = {
  live: "M6 5a10 10 0 0 0 0 14M18 5a10 10 0 0 1 0 14M9 9a4.5 4.5 0 0 0 0 6M15 9a4.5 4.5 0 0 1 0 6M12 12v.1",
  playback: "M12 3a9 9 0 1 0 9 9M12 7v5l4 2M21 3v5h-5",
  camera: "M3 7h12v10H3zM15 11l6-3v8l-6-3",
  list: "M9 6h11M9 12h11M9 18h11M4 6h.5M4 12h.5M4 18h.5",
  health: "M2 12h5l2.5-7 5 14 2.5-7h5",
  close: "M6 6l12 12M18 6L6 18",
  enlarge: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  shrink: "M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  farLeft: "M12 5l-7 7 7 7M19 5l-7 7 7 7",
  farRight: "M5 5l7 7-7 7M12 5l7 7-7 7",
  centre: "M12 6a6 6 0 1 0 0 12a6 6 0 1 0 0-12zM12 2v4M12 18v4M2 12h4M18 12h4",
  back: "M4 5v5h5M4.5 10a8 8 0 1 1-.5 4",
  onward: "M20 5v5h-5M19.5 10a8 8 0 1 0 .5 4",
  check: "M5 13l4 4L19 7",
  ring: "M12 6a6 6 0 1 0 0 12a6 6 0 1 0 0-12z",
  waiting: "M7 3h10M7 21h10M8 3v4l4 5-4 5v4M16 3v4l-4 5 4 5v4",
  shown: "M4 5h16v14H4zM12 5v14",
  denied: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM6 6l12 12",
  purpose: "M6 4h12v17H6zM9 3h6v3H9zM9 11h6M9 15h4",
  person: "M12 4a4 4 0 1 0 0 8a4 4 0 1 0 0-8zM4 21a8 8 0 0 1 16 0",
  down: "M6 9l6 6 6-6",
  up: "M6 15l6-6 6 6",
  gear: "M12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6zM12 2v4M12 18v4M2 12h4M18 12h4M5 5l2.8 2.8M16.2 16.2L19 19M19 5l-2.8 2.8M7.8 16.2L5 19",
  folder: "M3 6h6l2 2h10v11H3z",
  box: "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
  clock: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 7v5l3 2",
  differ: "M5 9h14M5 15h14M17 4L7 20",
  lock: "M6 11h12v10H6zM8 11V8a4 4 0 0 1 8 0v3",
  eye: "M2 12c3-5 7-7 10-7s7 2 10 7c-3 5-7 7-10 7s-7-2-10-7zM12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6z",
  sound: "M4 9h4l5-4v14l-5-4H4zM16 9a4 4 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
  mute: "M4 9h4l5-4v14l-5-4H4zM16 9l5 6M21 9l-5 6",
  move: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3",
  zone: "M4 8l9-4 8 6-4 10H7z",
  crossing: "M12 3v18M3 12h5M5 9l-3 3 3 3M21 12h-5M19 9l3 3-3 3",
  rule: "M5 4v6a4 4 0 0 0 4 4h10M15 10l4 4-4 4",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM15.5 15.5L21 21",
} as const;

const SHAPES = {
  play: "M7 4l13 8-13 8z",
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  stepBack: "M5 5h3v14H5zM19 5v14l-10-7z",
  stepOn: "M16 5h3v14h-3zM5 5v14l10-7z",
  dot: "M12 6a6 6 0 1 0 0 12a6 6 0 1 0 0-12z",
  bar: "M3 9h18v6H3z",
  alarm: "M12 3l10 18H2z",
  diamond: "M12 3l9 9-9 9-9-9z",
  square: "M6 6h12v12H6z",
} as const;

export type IconName = keyof typeof LINES | keyof typeof SHAPES;

function isShape(name: IconName): name is keyof typeof SHAPES {
  return name in SHAPES;
}

/** Decoration beside words or a label; silent to screen readers. */
export function Icon({ name }: { readonly name: IconName }) {
  const shape = isShape(name);
  return (
    <svg
      className={shape ? "icon icon-shape" : "icon"}
      viewBox="0 0 24 24"
      aria-hidden="true"
      focusable="false"
    >
      <path d={shape ? SHAPES[name] : LINES[name]} />
    </svg>
  );
}
