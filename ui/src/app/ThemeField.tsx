import { useEffect, useState } from "react";
import { en } from "../text/en";

const KEPT = "civiscope.theme";
const THEMES = ["dark", "light", "contrast"] as const;
type Theme = (typeof THEMES)[number];

function kept(): Theme {
  return THEMES.find((one) => one === localStorage.getItem(KEPT)) ?? "dark";
}

export function ThemeField() {
  const [theme, setTheme] = useState(kept);
  useEffect(() => {
    document.documentElement.dataset["theme"] = theme;
    localStorage.setItem(KEPT, theme);
  }, [theme]);
  return (
    <select
      className="theme"
      aria-label={en.shell.theme}
      value={theme}
      onChange={(event) => setTheme(THEMES.find((one) => one === event.target.value) ?? "dark")}
      data-testid="theme"
    >
      {THEMES.map((one) => (
        <option key={one} value={one}>
          {en.shell.themes[one]}
        </option>
      ))}
    </select>
  );
}
