import { LIMITS } from "../core/limits.ts";
import { fieldsOf, isIndex } from "../core/results/clone-size.ts";

/** Names and values in turn. */
type Pairs = unknown[];

/**
 * An object that is written field by field: its kind, the fields that are not enumerable, and those that are. Of an array:
 * a list of one array with its elements, and its other fields.
 */
type Fields = [kind: string, hidden: Pairs, shown: Pairs];

const ERRORS: Record<string, ErrorConstructor> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/**
 * The fields of what devalue does not write: errors, arrays with fields besides their elements, and objects with a field
 * `__proto__`. Undefined for everything else.
 */
export function fieldsToWrite(value: unknown): Fields | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (value instanceof Error) return fieldsOfError(value);
  if (Array.isArray(value)) return fieldsOfArray(value);
  return Object.hasOwn(value, "__proto__") ? fieldsAs("Object", value) : undefined;
}

/** Its elements are an array without fields: the name of each would take more bytes than the element. */
function fieldsOfArray(array: unknown[]): Fields | undefined {
  const names = fieldsOf(array);
  if (names.length === 0) return undefined;
  const fields = array as unknown as Record<string, unknown>;
  return ["Array", [array.slice()], names.flatMap((name) => [name, fields[name]])];
}

function fieldsOfError(error: Error): Fields {
  if (error instanceof DOMException)
    return ["DOMException", ["message", error.message, "name", error.name, "stack", error.stack], []];
  const prototype: unknown = Object.getPrototypeOf(error);
  const types = { ...ERRORS, AggregateError };
  const [kind = "Error"] = Object.entries(types).find(([, type]) => type.prototype === prototype) ?? [];
  return fieldsAs(kind, error);
}

function fieldsAs(kind: string, item: object): Fields {
  const [hidden, shown]: [Pairs, Pairs] = [[], []];
  for (const name of Object.getOwnPropertyNames(item)) {
    const isShown = Object.prototype.propertyIsEnumerable.call(item, name);
    (isShown ? shown : hidden).push(name, (item as Record<string, unknown>)[name]);
  }
  return [kind, hidden, shown];
}

/**
 * Makes objects of what `fieldsToWrite` wrote, for one table.
 *
 * devalue asks twice for an object that is inside itself: first when not all of its fields have been read. Both times it
 * must get the same object.
 */
export class FieldsReader {
  readonly #made = new Map<unknown, { target: object; asked: number }>();
  /** How much has been done: a table can name the same long list again and again. */
  #done = 0;
  /** How long all arrays are together: their memory is taken at once, however little is in them. */
  #lengths = 0;

  read(fields: unknown): object {
    const { kind, hidden, shown } = partsOfFields(fields);
    const made = this.#made.get(fields) ?? { target: targetOf(kind, hidden), asked: 0 };
    this.#made.set(fields, made);
    made.asked += 1;
    if (made.asked > 2) throw new Error("An object is named by more than one entry.");
    if (Array.isArray(made.target)) this.#copy(made.target, hidden[0]);
    else this.#fill(made.target, hidden, false);
    this.#fill(made.target, shown, true);
    return made.target;
  }

  #fill(target: object, pairs: Pairs, enumerable: boolean): void {
    this.spend(pairs.length);
    for (let at = 0; at < pairs.length && at in pairs; at += 2) {
      const [name, value] = [pairs[at], pairs[at + 1]];
      if (typeof name !== "string") throw new Error("The name of a field is no string.");
      if (Array.isArray(target) && (name === "length" || isIndex(name))) throw new Error("An element is no field.");
      if (target instanceof DOMException) setStack(target, name, value);
      else Object.defineProperty(target, name, { value, enumerable, configurable: true, writable: true });
    }
  }

  /** Fills an array; its elements are not yet there if it is asked for inside of them. */
  #copy(target: unknown[], elements: unknown): void {
    if (elements === undefined) return;
    if (!Array.isArray(elements)) throw new Error("These are no elements.");
    this.#lengths += elements.length - target.length;
    // Each element and each hole takes at least a byte of a result.
    if (this.#lengths > LIMITS.maxResultBytes) throw new Error("Its arrays are longer than those of any result.");
    this.spend(elements.length);
    target.length = elements.length;
    for (const [at, item] of elements.entries()) if (at in elements) target[at] = item;
  }

  /** Counts work, and ends what takes more of it than any result does. */
  spend(amount: number): void {
    this.#done += amount;
    if (this.#done > 4 * LIMITS.maxResultBytes) throw new Error("It is larger than any result.");
  }
}

/** It was made with all else. How its fields are kept is the platform's own matter. */
function setStack(target: DOMException, name: string, value: unknown): void {
  if (name === "stack" && typeof value === "string") Reflect.set(target, name, value);
}

function partsOfFields(fields: unknown): { kind: string; hidden: Pairs; shown: Pairs } {
  if (!Array.isArray(fields)) throw new Error("These are no fields.");
  const [kind, hidden = [], shown = []] = fields as unknown[];
  if (typeof kind !== "string" || !Array.isArray(hidden) || !Array.isArray(shown))
    throw new Error("These are no fields.");
  return { kind, hidden, shown };
}

function targetOf(kind: string, hidden: Pairs): object {
  if (kind === "Object") return {};
  if (kind === "Array") return [];
  if (kind === "DOMException") return new DOMException(textOf(hidden[1]), textOf(hidden[3]));
  const error = kind === "AggregateError" ? new AggregateError([]) : errorOf(kind);
  // It has the fields that were written, and no stack of this place.
  for (const name of Object.getOwnPropertyNames(error)) Reflect.deleteProperty(error, name);
  return error;
}

function errorOf(kind: string): Error {
  const type = kind === "Error" ? Error : Object.hasOwn(ERRORS, kind) ? ERRORS[kind] : undefined;
  if (!type) throw new Error("There is no such kind of object.");
  return new type();
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Error("This is no text.");
}
