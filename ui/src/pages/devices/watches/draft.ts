/** An analytic while a person works on it: geometry apart from the settings of its form. Pure. */

import type { Analytic, AnalyticDraft, AnalyticPlugin, PointN, Settings } from "../../../api/seeing";
import type { TimeProfile } from "../../../api/people";
import { defaultsOf, type Schema } from "../../../widgets/schema";
import { faultOfShape, LEAST, readPoints, type Shape } from "../../../widgets/zones/geometry";
import { begin, type Past } from "../../../widgets/zones/undo";

export interface Draft {
  readonly name: string;
  readonly points: readonly PointN[];
  readonly isDrawing: boolean;
  readonly settings: Settings;
  readonly schedule: TimeProfile | null;
  readonly isOn: boolean;
}

const SHAPES: readonly Shape[] = ["zone", "line"];
/** Settings that have a place of their own on the screen, where a plug-in has them. */
export const OWN_FIELDS: readonly string[] = ["name", "classes", "min_height_n", "direction"];

export function hasField(schema: Schema, name: string): boolean {
  const properties = schema["properties"];
  return typeof properties === "object" && properties !== null && name in properties;
}

/** What a plug-in wants to have drawn: the name of the setting is the name of the shape. */
export function shapeOf(plugin: AnalyticPlugin): Shape | null {
  return SHAPES.find((shape) => hasField(plugin.settings_schema, shape)) ?? null;
}

export function draftOf(plugin: AnalyticPlugin, analytic: Analytic | null, freshName: string): Draft {
  const shape = shapeOf(plugin);
  const settings = analytic?.settings ?? defaultsOf(plugin.settings_schema);
  const points = shape === null ? [] : readPoints(settings[shape]);
  return {
    name: analytic?.name ?? freshName,
    points,
    isDrawing: shape !== null && points.length < LEAST[shape],
    settings,
    schedule: analytic?.schedule ?? null,
    isOn: analytic?.is_on ?? true,
  };
}

export function sentOf(plugin: AnalyticPlugin, draft: Draft): AnalyticDraft {
  const shape = shapeOf(plugin);
  const name = draft.name.trim();
  return {
    plugin: plugin.name,
    name,
    settings: {
      ...draft.settings,
      ...(shape === null ? {} : { [shape]: draft.points }),
      ...(hasField(plugin.settings_schema, "name") ? { name } : {}),
    },
    schedule: draft.schedule,
    is_on: draft.isOn,
  };
}

export function isGood(plugin: AnalyticPlugin, draft: Draft): boolean {
  const shape = shapeOf(plugin);
  const isDrawn = shape === null || (!draft.isDrawing && faultOfShape(draft.points, shape) === null);
  return draft.name.trim() !== "" && isDrawn;
}

/** Left by a wrong key and come back to: what was drawn is still there, as long as the page is open. */
const kept = new Map<string, Past<Draft>>();

export function keptDraft(key: string, fresh: Draft): Past<Draft> {
  return kept.get(key) ?? begin(fresh);
}

export function keepDraft(key: string, past: Past<Draft> | null): void {
  if (past === null) kept.delete(key);
  else kept.set(key, past);
}

/** "Zone 2" where "Zone 1" is taken. */
export function freshName(word: string, taken: readonly string[]): string {
  for (let n = 1; ; n += 1) {
    const name = `${word} ${n}`;
    if (!taken.includes(name)) return name;
  }
}
