import fc from "fast-check";
import { type Document, type Schema, resolved } from "./document.ts";

/** Values that a schema allows, with its limits more often than the rest. */
export function valuesOf(document: Document, given: Schema): fc.Arbitrary<unknown> {
  const schema = resolved(document, given);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => valuesOf(document, one)));
  switch (schema.type) {
    case "integer":
      return wholeNumbers(schema);
    case "string":
      return texts(schema);
    case "boolean":
      return fc.boolean();
    case "object":
      return objects(document, schema);
    default:
      return fc.jsonValue();
  }
}

function wholeNumbers({ minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: Schema): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(minimum, maximum), fc.integer({ min: minimum, max: maximum }));
}

function texts({ pattern, minLength = 0, maxLength = 100 }: Schema): fc.Arbitrary<string> {
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  const longest = Math.max(minLength, Math.min(maxLength, 40));
  return fc.oneof(
    fc.string({ minLength, maxLength: longest }),
    fc.string({ unit: "binary", minLength, maxLength: longest }),
    fc.constant("a".repeat(maxLength)),
  );
}

function objects(document: Document, { properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, valuesOf(document, one)]));
  return fc.record(fields, { requiredKeys: required });
}

/** A valid body, a body with one error, or something else altogether. */
export function bodiesOf(document: Document, schema: Schema): fc.Arbitrary<string> {
  const right = valuesOf(document, schema) as fc.Arbitrary<Record<string, unknown>>;
  const names = Object.keys(resolved(document, schema).properties ?? {});
  const wrong = fc
    .tuple(right, fc.constantFrom(...names, "unknown", "__proto__"), fc.oneof(fc.jsonValue(), fc.constant(undefined)))
    .map(([body, name, value]) => ({ ...body, [name]: value }));
  const json = fc.oneof({ arbitrary: right, weight: 2 }, { arbitrary: wrong, weight: 3 }, fc.jsonValue());
  return fc.oneof({ arbitrary: json.map((body) => JSON.stringify(body) ?? ""), weight: 9 }, fc.string());
}
