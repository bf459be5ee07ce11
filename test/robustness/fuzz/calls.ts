import fc from "fast-check";
import { RULES, type Rule, anything, ownProperties, unknownKey } from "./values.ts";

/** A method or function: what it takes, good values for it, and what its options are called. */
export interface Call {
  method: string;
  /** The arguments in order: the name of a field, or of the options object that holds the other fields. */
  takes: string[];
  /** The fields of each options object, by its name. */
  options?: Record<string, string[]>;
  rules: Record<string, Rule>;
  /** What is given where nothing is wrong; absent means left out. */
  good: Record<string, unknown>;
  /** Options objects that must not be null. */
  notNull?: string[];
  /** Fields that are good each, but not together. */
  together?: (fields: Record<string, unknown>) => string[];
}

/** One input: what it is called with, and which arguments are wrong in it. */
export interface Input {
  args: unknown[];
  wrong: string[];
}

interface Drawn {
  fields: [string, unknown][];
  whole: [string, unknown] | undefined;
  unknown: [string, unknown] | undefined;
}

/** A plain object is what options must be; what else is taken for none is said by the documentation. */
const isAbsent = (value: unknown) => value === undefined || value === null;
const isPlain = (value: unknown): value is object => Object.prototype.toString.call(value) === "[object Object]";
const isOptions: Rule = (value) => isAbsent(value) || (isPlain(value) && Object.keys(value).length === 0);

/** Calls with some of their arguments replaced by anything. */
export function inputsOf(call: Call): fc.Arbitrary<Input> {
  const fields = Object.keys(call.rules);
  const names = Object.keys(call.options ?? {});
  const one = fc.tuple(fc.constantFrom(...fields), anything);
  return fc
    .record<Drawn>({
      fields: fc.array(one, { minLength: names.length > 0 ? 0 : 1, maxLength: 3 }),
      whole: names.length === 0 ? fc.constant(undefined) : rarely(fc.tuple(fc.constantFrom(...names), anything)),
      unknown: names.length === 0 ? fc.constant(undefined) : rarely(fc.tuple(unknownKey, anything)),
    })
    .map((drawn) => inputOf(call, drawn));
}

function rarely<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { freq: 6, nil: undefined });
}

function inputOf(call: Call, { fields: drawn, whole, unknown }: Drawn): Input {
  const fields = { ...call.good, ...Object.fromEntries(drawn) };
  const wrong: string[] = [];
  const options: Record<string, unknown> = {};
  for (const [name, known] of Object.entries(call.options ?? {}).toReversed()) {
    const entries = known.filter((field) => field in fields || field in options);
    // What is inside an option is refused by its full name: `retry.retries`.
    const keyOf = (field: string) => field.slice(field.lastIndexOf(".") + 1);
    const given = entries.map((field): [string, unknown] => [
      keyOf(field),
      field in options ? options[field] : fields[field],
    ]);
    if (unknown && name === call.takes.at(-1) && whole?.[0] !== name) {
      given.push(unknown);
      wrong.push(unknown[0].slice(0, 40));
    }
    options[name] = whole?.[0] === name ? whole[1] : ownProperties(given);
    if (whole?.[0] !== name) continue;
    // The old fields are no longer visible; the new value may have other fields, good or bad.
    if (!isOptions(whole[1])) wrong.push(name, ...(isPlain(whole[1]) ? ["?"] : []));
    if (whole[1] === null && call.notNull?.includes(name)) wrong.push(name);
    for (const field of known.flatMap((one) => [one, ...(call.options?.[one] ?? [])])) delete fields[field];
    if (name !== call.takes.at(-1) && whole[1] !== undefined) for (const field of known) fields[field] = undefined;
  }
  for (const [field, rule] of Object.entries(call.rules))
    if ((field in fields || call.takes.includes(field)) && !rule(fields[field])) wrong.push(field);
  wrong.push(...(call.together?.(fields) ?? []));
  return { args: call.takes.map((name) => (name in options ? options[name] : fields[name])), wrong };
}

const { permits: isPermits, capacity: isCapacity } = RULES;

/** What permits and capacity must be together. */
export function claim({ permits, capacity }: Record<string, unknown>): string[] {
  if (permits === undefined && capacity === undefined) return [];
  if (!isPermits(permits) || !isCapacity(capacity)) return ["permits", "capacity"];
  if (capacity === undefined) return ["capacity"];
  return permits !== undefined && (permits as number) > (capacity as number) ? ["permits"] : [];
}

/** What takes the whole lock excludes a claim. */
export function wholeLock(fields: Record<string, unknown>): string[] {
  const isShared = fields["permits"] !== undefined || fields["capacity"] !== undefined;
  const whole = [...(fields["steal"] === true ? ["steal"] : []), ...(fields["once"] !== undefined ? ["once"] : [])];
  return [...claim(fields), ...(isShared ? whole : [])];
}
