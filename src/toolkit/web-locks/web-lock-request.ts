import { checkSignal } from "../../transport/own-request.ts";
import type { WebLockCallback, WebLockMode } from "./web-lock-manager.ts";

/** The converted options of a request. */
interface ConvertedOptions {
  mode: WebLockMode;
  ifAvailable: boolean;
  steal: boolean;
  signal: AbortSignal | undefined;
}

/** A checked request of the Web Locks API. */
export interface WebLockRequest<T> extends ConvertedOptions {
  name: string;
  callback: WebLockCallback<T>;
}

/** Converts and checks a request as WebIDL and the standard do: in their order, with their errors. */
export function checkWebLockRequest<T>(args: readonly unknown[]): WebLockRequest<T> {
  if (args.length < 2) throw new TypeError("A lock request takes a name, options if you need them, and a callback.");
  const name = toText(args[0], "name");
  const [options, callback] = args.length > 2 ? args.slice(1) : [undefined, args[1]];
  const spec = convertOptions(options);
  if (typeof callback !== "function")
    throw new TypeError("callback must be a function: the work to do under the lock.");
  checkCombination(name, spec);
  return { name, callback: callback as WebLockCallback<T>, ...spec };
}

/** Converts a value to a string as WebIDL does. `String` alone would also take a Symbol. */
export function toText(value: unknown, argument: string): string {
  if (typeof value === "symbol")
    throw new TypeError(`${argument} must be a string: a Symbol can't be converted to one.`);
  return String(value);
}

function convertOptions(options: unknown): ConvertedOptions {
  if (options === undefined || options === null) return convertOptions({});
  if (typeof options !== "object" && typeof options !== "function")
    throw new TypeError('options must be an object, such as { mode: "shared" }.');
  const given = options as { [K in keyof ConvertedOptions]?: unknown };
  // Read each option once and in alphabetical order, as WebIDL does: a getter can tell the difference.
  return {
    ifAvailable: Boolean(given.ifAvailable),
    mode: toMode(given.mode),
    signal: toSignal(given.signal),
    steal: Boolean(given.steal),
  };
}

function toMode(value: unknown): WebLockMode {
  const mode = value === undefined ? "exclusive" : toText(value, "mode");
  if (mode === "exclusive" || mode === "shared") return mode;
  throw new TypeError('mode must be "exclusive" or "shared".');
}

function toSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw new TypeError("signal must be an AbortSignal, such as controller.signal or AbortSignal.timeout(ms).");
}

function checkCombination(name: string, { mode, ifAvailable, steal, signal }: ConvertedOptions): void {
  if (name.startsWith("-")) throw unsupported('name must not begin with "-": the standard reserves such names.');
  if (steal && ifAvailable) throw unsupported("steal and ifAvailable exclude each other: leave one of them out.");
  if (steal && mode !== "exclusive") throw unsupported('`steal` takes the whole lock: leave out mode "shared".');
  if (signal && (steal || ifAvailable))
    throw unsupported("signal ends the waiting, and steal and ifAvailable don't wait: leave signal out.");
  checkSignal(signal)?.throwIfAborted();
}

function unsupported(message: string): DOMException {
  return new DOMException(message, "NotSupportedError");
}
