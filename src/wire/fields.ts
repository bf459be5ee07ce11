import { LIMITS } from "../core/limits.ts";
import { fieldsOf, isIndex } from "../core/results/clone-size.ts";

/** Alternating names and values. */
type Pairs = unknown[];

/**
 * An object that is written field by field: its kind, its non-enumerable fields, and its enumerable fields. For an
 * array, `hidden` is a list of one array with the elements, and `shown` has the other fields.
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
 * The fields of a value that devalue does not write: an error, an array with fields besides its elements, or an object
 * with a field `__proto__`. Undefined for everything else.
 */
export function fieldsToWrite(value: unknown): Fields | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (value instanceof Error) return fieldsOfError(value);
  if (Array.isArray(value)) return fieldsOfArray(value);
  return Object.hasOwn(value, "__proto__") ? fieldsAs("Object", value) : undefined;
}

/** Writes the elements as an array without fields: the name of each would take more bytes than the element. */
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
 * Builds the objects of one table from what `fieldsToWrite` wrote.
 *
 * devalue asks twice for an object that contains itself: the first time when not all of its fields have been read. It
 * must get the same object both times.
 */
export class FieldsReader {
  readonly #made = new Map<unknown, { target: object; asked: number }>();
  /** How much work was done: a table can name the same long list again and again. */
  #done = 0;
  /** The length of all arrays together: an array takes its memory at once, even if it is almost empty. */
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
      if (typeof name !== "string") throw new Error("The name of a field is not a string.");
      if (Array.isArray(target) && (name === "length" || isIndex(name))) throw new Error("An element is not a field.");
      if (target instanceof DOMException) setStack(target, name, value);
      else Object.defineProperty(target, name, { value, enumerable, configurable: true, writable: true });
    }
  }

  /** Fills an array. Its elements are not there yet if devalue asks for the array from inside one of them. */
  #copy(target: unknown[], elements: unknown): void {
    if (elements === undefined) return;
    if (!Array.isArray(elements)) throw new Error("These are not elements.");
    this.#lengths += elements.length - target.length;
    // Each element and each hole takes at least a byte of a result.
    if (this.#lengths > LIMITS.maxResultBytes) throw new Error("The arrays are longer than those of any result.");
    this.spend(elements.length);
    target.length = elements.length;
    for (const [at, item] of elements.entries()) if (at in elements) target[at] = item;
  }

  /** Counts work, and throws if a table takes more of it than any result does. */
  spend(amount: number): void {
    this.#done += amount;
    if (this.#done > 4 * LIMITS.maxResultBytes) throw new Error("It is larger than any result.");
  }
}

/** Sets only the stack: the constructor has set the rest. The platform decides how a DOMException stores its fields. */
function setStack(target: DOMException, name: string, value: unknown): void {
  if (name === "stack" && typeof value === "string") Reflect.set(target, name, value);
}

function partsOfFields(fields: unknown): { kind: string; hidden: Pairs; shown: Pairs } {
  if (!Array.isArray(fields)) throw new Error("These are not fields.");
  const [kind, hidden = [], shown = []] = fields as unknown[];
  if (typeof kind !== "string" || !Array.isArray(hidden) || !Array.isArray(shown))
    throw new Error("These are not fields.");
  return { kind, hidden, shown };
}

function targetOf(kind: string, hidden: Pairs): object {
  if (kind === "Object") return {};
  if (kind === "Array") return [];
  if (kind === "DOMException") return new DOMException(textOf(hidden[1]), textOf(hidden[3]));
  const error = kind === "AggregateError" ? new AggregateError([]) : errorOf(kind);
  // Keep only the fields that were written: the stack of this line must go.
  for (const name of Object.getOwnPropertyNames(error)) Reflect.deleteProperty(error, name);
  return error;
}

function errorOf(kind: string): Error {
  const type = kind === "Error" ? Error : Object.hasOwn(ERRORS, kind) ? ERRORS[kind] : undefined;
  if (!type) throw new Error("This kind of object is unknown.");
  return new type();
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw new Error("This is not a string.");
}
