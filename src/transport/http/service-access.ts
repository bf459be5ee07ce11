import { checkOptions, invalid } from "../../core/checks.ts";

/** An object that has a `fetch`, such as a service binding of a Worker. */
export interface FetchProvider {
  /** Sends a request; called on the object that it belongs to. */
  fetch: typeof globalThis.fetch;
}

/** Where a lock service is, and the token for it. */
export interface ConnectOptions {
  /** The URL of the service, with the path that it is mounted under, if any. */
  url: string | URL;
  /** The token: sent as `Authorization: Bearer …`, and never part of an error. */
  token: string;
  /**
   * What sends the requests: a function, or an object with a `fetch`, such as a service binding.
   *
   * Pass the whole binding. Its method alone, `env.LOCKS.fetch`, can't be called: every call to the lock then throws
   * `INVALID_ARGUMENT`.
   *
   * @default the global fetch
   * @example
   * ```ts
   * connectLocks({ url: "https://locks.example.com", token, fetch: env.LOCKS });
   * ```
   */
  fetch?: typeof globalThis.fetch | FetchProvider;
}

/** The checked options for reaching a service. */
export interface ServiceAccess {
  /** The URL, without a slash at the end. */
  base: string;
  token: string;
  fetch: typeof globalThis.fetch;
}

/** Checks the options for reaching a service. Throws `INVALID_ARGUMENT`; the error never contains the token. */
export function checkConnection(options: ConnectOptions): ServiceAccess {
  const { url, token, fetch } = checkOptions(options, ["url", "token", "fetch"]);
  return { base: checkUrl(url), token: checkToken(token), fetch: checkFetch(fetch) };
}

function checkFetch(value: unknown): typeof globalThis.fetch {
  const owner: unknown = value === undefined ? globalThis : value;
  // Look `fetch` up with each call: it may be replaced later, and it must be called on its object.
  if (isFetching(owner)) return (...args) => owner.fetch(...args);
  // Check this second: an entry of `ctx.exports` is an object with a `fetch`, and its type is "function" although you
  // can't call it.
  if (typeof value === "function") return value as typeof globalThis.fetch;
  throw invalid("fetch", "fetch must be a function like fetch, or an object that has one, such as env.LOCKS.");
}

function isFetching(value: unknown): value is FetchProvider {
  return typeof (value as Partial<FetchProvider> | null)?.fetch === "function";
}

function checkUrl(value: unknown): string {
  if (!URL.canParse(String(value)))
    throw invalid("url", "url must be the URL of the lock service, such as https://locks.example.com.");
  const { protocol, hostname, username, password, search, hash, origin, pathname } = new URL(String(value));
  if (protocol !== "https:" && protocol !== "http:") throw invalid("url", "url must begin with https://.");
  if (protocol === "http:" && !isThisMachine(hostname))
    throw invalid("url", "url must begin with https://: over http://, others on the way could read the token.");
  if (username !== "" || password !== "" || search !== "" || hash !== "")
    throw invalid("url", "url must have no user, password, query or fragment: pass the token as its own option.");
  return `${origin}${pathname.replace(/\/+$/, "")}`;
}

/** Whether a host is this machine. A name such as 127.example.com only begins like a local address. */
function isThisMachine(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || /^(127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function checkToken(value: unknown): string {
  if (typeof value === "string" && /^[\x21-\x7e]+$/.test(value)) return value;
  throw invalid("token", "token must be a token of the service: printable ASCII without spaces; is it set?");
}
