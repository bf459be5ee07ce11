import type { WebLockCallback, WebLockMode, WebLockOptions } from "./web-lock-manager.ts";

/** A checked request of the Web Locks API. */
interface WebLockRequest<T> {
  callback: WebLockCallback<T>;
  mode: WebLockMode;
  ifAvailable: boolean;
  steal: boolean;
  signal: AbortSignal | undefined;
}

/** Checks a request as the standard says, with the errors that it says. */
export function checkRequest<T>(name: string, rest: unknown[]): WebLockRequest<T> {
  if (typeof name !== "string") throw new TypeError("The name of a lock must be a string.");
  const [options, callback] = rest.length > 1 ? rest : [{}, rest[0]];
  if (typeof callback !== "function") throw new TypeError("The callback of a lock request must be a function.");
  if (typeof options !== "object" || options === null)
    throw new TypeError("The options of a lock request must be an object.");
  const { mode = "exclusive", ifAvailable = false, steal = false, signal } = options as WebLockOptions;
  if (mode !== "exclusive" && mode !== "shared")
    throw new TypeError('The mode of a lock must be "exclusive" or "shared".');
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new TypeError("signal must be an AbortSignal.");
  if (name.startsWith("-")) throw unsupported("Names that begin with a hyphen are reserved.");
  if (steal && ifAvailable) throw unsupported("steal and ifAvailable exclude each other.");
  if (steal && mode !== "exclusive") throw unsupported("Only an exclusive lock can be stolen.");
  if (signal && (steal || ifAvailable))
    throw unsupported("signal is for waiting, which steal and ifAvailable don't do.");
  signal?.throwIfAborted();
  return { callback: callback as WebLockCallback<T>, mode, ifAvailable, steal, signal };
}

function unsupported(message: string): DOMException {
  return new DOMException(message, "NotSupportedError");
}
