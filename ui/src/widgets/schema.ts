/** JSON schema of a page of settings → fields of a form. Pure; what it does not know it says so and keeps. */

export type Schema = Readonly<Record<string, unknown>>;

interface FieldBase {
  readonly path: readonly string[];
  readonly title: string;
  readonly description: string | null;
  readonly isNullable: boolean;
}

export type FormField =
  | (FieldBase & {
      readonly kind: "text";
      readonly format: string | null;
      readonly minLength: number;
      readonly maxLength: number | null;
    })
  | (FieldBase & {
      readonly kind: "number";
      readonly isWhole: boolean;
      readonly least: number | null;
      readonly most: number | null;
    })
  | (FieldBase & { readonly kind: "boolean" })
  | (FieldBase & { readonly kind: "choice"; readonly choices: readonly (string | number)[] })
  | (FieldBase & {
      readonly kind: "list";
      readonly maxItems: number | null;
      /** What the texts are ids of, where the schema says: `targets`. */
      readonly format: string | null;
    })
  | (FieldBase & { readonly kind: "set"; readonly choices: readonly string[] })
  | (FieldBase & { readonly kind: "object"; readonly fields: readonly FormField[] })
  | (FieldBase & { readonly kind: "unknown" });

function without(schema: Schema, name: string): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([one]) => one !== name));
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function numberIn(schema: Schema, ...names: readonly string[]): number | null {
  for (const name of names) {
    const value = schema[name];
    if (typeof value === "number") return value;
  }
  return null;
}

function textIn(schema: Schema, name: string): string | null {
  const value = schema[name];
  return typeof value === "string" ? value : null;
}

/** Follow `$ref`, a lone `allOf`, and `anyOf` with null; what stands beside them wins. */
function resolved(
  schema: Schema,
  root: Schema,
  depth = 0,
): { readonly schema: Schema; readonly isNullable: boolean } {
  if (depth > 8) return { schema: {}, isNullable: false };
  const reference = textIn(schema, "$ref");
  if (reference?.startsWith("#/$defs/") === true) {
    const defs = root["$defs"];
    const target = isSchema(defs) ? defs[reference.slice("#/$defs/".length)] : undefined;
    const found = resolved(isSchema(target) ? target : {}, root, depth + 1);
    const beside = without(schema, "$ref");
    return { schema: { ...found.schema, ...beside }, isNullable: found.isNullable };
  }
  const all = schema["allOf"];
  if (Array.isArray(all) && all.length === 1 && isSchema(all[0])) {
    const beside = without(schema, "allOf");
    return resolved({ ...all[0], ...beside }, root, depth + 1);
  }
  const any = schema["anyOf"];
  if (Array.isArray(any)) {
    const branches = any.filter(isSchema);
    const real = branches.filter((one) => one["type"] !== "null");
    const beside = without(schema, "anyOf");
    if (real.length === 1 && real[0] !== undefined) {
      const found = resolved({ ...real[0], ...beside }, root, depth + 1);
      return { schema: found.schema, isNullable: found.isNullable || real.length < branches.length };
    }
  }
  return { schema, isNullable: false };
}

function arrayField(base: FieldBase, schema: Schema, root: Schema): FormField {
  const items = isSchema(schema["items"]) ? resolved(schema["items"], root).schema : {};
  if (items["type"] !== "string") return { ...base, kind: "unknown" };
  const choices = items["enum"];
  if (Array.isArray(choices)) {
    return { ...base, kind: "set", choices: choices.filter((one) => typeof one === "string") };
  }
  const maxItems = numberIn(schema, "maxItems", "maxLength");
  return { ...base, kind: "list", maxItems, format: textIn(schema, "format") };
}

function fieldOf(name: string, given: Schema, root: Schema, above: readonly string[]): FormField {
  const { schema, isNullable } = resolved(given, root);
  const base: FieldBase = {
    path: [...above, name],
    title: textIn(schema, "title") ?? name.replaceAll("_", " "),
    description: textIn(schema, "description"),
    isNullable,
  };
  const choices = schema["enum"] ?? (schema["const"] === undefined ? undefined : [schema["const"]]);
  if (Array.isArray(choices) && choices.every((one) => typeof one === "string" || typeof one === "number")) {
    return { ...base, kind: "choice", choices };
  }
  switch (schema["type"]) {
    case "string":
      return {
        ...base,
        kind: "text",
        format: textIn(schema, "format"),
        minLength: numberIn(schema, "minLength") ?? 0,
        maxLength: numberIn(schema, "maxLength"),
      };
    case "integer":
    case "number":
      return {
        ...base,
        kind: "number",
        isWhole: schema["type"] === "integer",
        least: numberIn(schema, "minimum", "exclusiveMinimum"),
        most: numberIn(schema, "maximum", "exclusiveMaximum"),
      };
    case "boolean":
      return { ...base, kind: "boolean" };
    case "array":
      return arrayField(base, schema, root);
    case "object":
      return isSchema(schema["properties"])
        ? { ...base, kind: "object", fields: fieldsIn(schema, root, base.path) }
        : { ...base, kind: "unknown" };
    default:
      return { ...base, kind: "unknown" };
  }
}

function fieldsIn(schema: Schema, root: Schema, above: readonly string[]): readonly FormField[] {
  const properties = schema["properties"];
  if (!isSchema(properties)) return [];
  return Object.entries(properties).map(([name, one]) =>
    fieldOf(name, isSchema(one) ? one : {}, root, above),
  );
}

export function fieldsOf(schema: Schema): readonly FormField[] {
  return fieldsIn(schema, schema, []);
}

export type Value = Readonly<Record<string, unknown>>;

export function valueAt(value: Value, path: readonly string[]): unknown {
  return path.reduce<unknown>((now, name) => (isSchema(now) ? now[name] : undefined), value);
}

export function withValueAt(value: Value, path: readonly string[], next: unknown): Value {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const inside = value[name];
  return {
    ...value,
    [name]: rest.length === 0 ? next : withValueAt(isSchema(inside) ? inside : {}, rest, next),
  };
}

export type Fault =
  | { readonly kind: "notNumber" | "notWhole" }
  | { readonly kind: "tooSmall" | "tooLarge" | "tooShort" | "tooLong" | "tooMany"; readonly limit: number };

function numberFault(field: FormField & { readonly kind: "number" }, value: unknown): Fault | null {
  if (typeof value !== "number" || !Number.isFinite(value)) return { kind: "notNumber" };
  if (field.isWhole && !Number.isInteger(value)) return { kind: "notWhole" };
  if (field.least !== null && value < field.least) return { kind: "tooSmall", limit: field.least };
  if (field.most !== null && value > field.most) return { kind: "tooLarge", limit: field.most };
  return null;
}

function textFault(field: FormField & { readonly kind: "text" }, value: unknown): Fault | null {
  const length = typeof value === "string" ? value.length : 0;
  if (length < field.minLength) return { kind: "tooShort", limit: field.minLength };
  if (field.maxLength !== null && length > field.maxLength) {
    return { kind: "tooLong", limit: field.maxLength };
  }
  return null;
}

/** What the schema alone can say against a value; the server knows more. */
export function faultOf(field: FormField, value: unknown): Fault | null {
  if (value === null && field.isNullable) return null;
  if (field.kind === "number") return numberFault(field, value);
  if (field.kind === "text") return textFault(field, value);
  if (field.kind !== "list" || field.maxItems === null) return null;
  const count = Array.isArray(value) ? value.length : 0;
  return count > field.maxItems ? { kind: "tooMany", limit: field.maxItems } : null;
}

/** Faults of all fields, nested ones too, by dotted path: what the server's `fields` are named by. */
export function faultsOf(fields: readonly FormField[], value: Value): ReadonlyMap<string, Fault> {
  const found = new Map<string, Fault>();
  for (const field of fields) {
    if (field.kind === "object") {
      faultsOf(field.fields, value).forEach((fault, name) => found.set(name, fault));
      continue;
    }
    const fault = faultOf(field, valueAt(value, field.path));
    if (fault !== null) found.set(field.path.join("."), fault);
  }
  return found;
}

/** What a fresh value holds: the schema's defaults; what is needed and has none is left to the person. */
export function defaultsOf(schema: Schema): Value {
  return defaultsIn(schema, schema);
}

function defaultsIn(schema: Schema, root: Schema): Value {
  const properties = schema["properties"];
  if (!isSchema(properties)) return {};
  const found: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(properties)) {
    if (!isSchema(one)) continue;
    const inside = resolved(one, root).schema;
    if (one["default"] !== undefined) found[name] = one["default"];
    else if (inside["default"] !== undefined) found[name] = inside["default"];
    else if (isSchema(inside["properties"])) found[name] = defaultsIn(inside, root);
    else if (inside["type"] === "array") found[name] = [];
    else if (inside["type"] === "boolean") found[name] = false;
  }
  return found;
}

/** The schema without fields that are set elsewhere on the screen. */
export function schemaWithout(schema: Schema, names: readonly string[]): Schema {
  const properties = schema["properties"];
  if (!isSchema(properties)) return schema;
  const left = Object.fromEntries(Object.entries(properties).filter(([name]) => !names.includes(name)));
  return { ...schema, properties: left };
}

/** Words of a refused form by field: the server's `fields`, whatever stands before them taken off. */
export function refusedFields(
  problem: { readonly more?: Schema } | null,
  below = "",
): Readonly<Record<string, string>> {
  const fields = problem?.more?.["fields"];
  if (!isSchema(fields)) return {};
  const found: Record<string, string> = {};
  for (const [name, words] of Object.entries(fields)) {
    if (typeof words === "string") found[name.startsWith(below) ? name.slice(below.length) : name] = words;
  }
  return found;
}
