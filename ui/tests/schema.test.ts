import { describe, expect, it } from "vitest";
import { faultsOf, fieldsOf, valueAt, withValueAt } from "../src/widgets/schema";

const SCHEMA = {
  $defs: {
    Place: { type: "object", title: "Place", properties: { name: { type: "string", minLength: 1 } } },
  },
  properties: {
    name: { type: "string", title: "Name", minLength: 1, maxLength: 5 },
    port: { type: "integer", minimum: 1, maximum: 10 },
    share: { type: "number" },
    law: { enum: ["eu_general", "strictest"] },
    isOn: { type: "boolean" },
    hosts: { type: "array", items: { type: "string" }, maxItems: 2 },
    note: { anyOf: [{ type: "string" }, { type: "null" }] },
    place: { $ref: "#/$defs/Place", description: "where" },
    odd: { type: "array", items: { type: "object" } },
  },
};

describe("fieldsOf", () => {
  it("knows every kind a page of settings has", () => {
    expect(fieldsOf(SCHEMA).map((one) => one.kind)).toEqual([
      "text",
      "number",
      "number",
      "choice",
      "boolean",
      "list",
      "text",
      "object",
      "unknown",
    ]);
  });

  it("follows references, keeps what stands beside them, and knows what may be null", () => {
    const fields = fieldsOf(SCHEMA);
    const place = fields.find((one) => one.path[0] === "place");
    expect(place?.title).toBe("Place");
    expect(place?.description).toBe("where");
    expect(place?.kind === "object" && place.fields[0]?.path).toEqual(["place", "name"]);
    expect(fields.find((one) => one.path[0] === "note")?.isNullable).toBe(true);
  });

  it("ends on a reference to itself", () => {
    const ring = { $defs: { A: { $ref: "#/$defs/A" } }, properties: { a: { $ref: "#/$defs/A" } } };
    expect(fieldsOf(ring)[0]?.kind).toBe("unknown");
  });
});

describe("faultsOf", () => {
  const fields = fieldsOf(SCHEMA);
  const good = { name: "abc", port: 3, share: 0.5, hosts: [], note: null, place: { name: "x" } };

  it("finds nothing in what fits", () => {
    expect(faultsOf(fields, good).size).toBe(0);
  });

  it("names each field that does not fit, nested ones by their path", () => {
    const bad = { name: "abcdef", port: 11.5, share: "many", hosts: ["a", "b", "c"], place: { name: "" } };
    const found = Object.fromEntries([...faultsOf(fields, bad)].map(([name, fault]) => [name, fault.kind]));
    expect(found).toEqual({
      name: "tooLong",
      port: "notWhole",
      share: "notNumber",
      hosts: "tooMany",
      "place.name": "tooShort",
    });
  });

  it("keeps to both ends of a range", () => {
    expect(faultsOf(fields, { ...good, port: 0 }).get("port")?.kind).toBe("tooSmall");
    expect(faultsOf(fields, { ...good, port: 11 }).get("port")?.kind).toBe("tooLarge");
  });
});

describe("values by path", () => {
  it("changes one and leaves the others and the old value alone", () => {
    const old = { place: { name: "x", floor: 1 }, name: "y" };
    const fresh = withValueAt(old, ["place", "name"], "z");
    expect(valueAt(fresh, ["place", "name"])).toBe("z");
    expect(fresh).toEqual({ place: { name: "z", floor: 1 }, name: "y" });
    expect(old.place.name).toBe("x");
  });
});
