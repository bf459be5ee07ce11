import { checkOptions, invalid } from "../core/limits.ts";

/** Where a lock service is, and how to get in. */
export interface ConnectOptions {
  /** The URL of the service, with the path that it is mounted under, if any. */
  url: string | URL;
  /** The token: sent as `Authorization: Bearer …`, and never part of an error. */
  token: string;
  /** What sends the requests, such as the `fetch` of a service binding. @default the global fetch */
  fetch?: typeof globalThis.fetch;
}

/** A checked way to a service. */
export interface ServiceAccess {
  /** Without a slash at the end. */
  base: string;
  token: string;
  fetch: typeof globalThis.fetch;
}

/** Checks how to get to a service; throws `INVALID_ARGUMENT`, without a word of the token. */
export function checkConnection(options: ConnectOptions): ServiceAccess {
  const { url, token, fetch } = checkOptions(options, ["url", "token", "fetch"]);
  if (fetch !== undefined && typeof fetch !== "function")
    throw invalid("fetch", "fetch must be a function like fetch.");
  // Looked up with each call, so that one that is replaced later is used.
  const send = (fetch as ConnectOptions["fetch"]) ?? ((...args) => globalThis.fetch(...args));
  return { base: checkUrl(url), token: checkToken(token), fetch: send };
}

function checkUrl(value: unknown): string {
  if (!URL.canParse(String(value)))
    throw invalid("url", "url must be the URL of the lock service, such as https://locks.example.com.");
  const { protocol, hostname, username, password, search, hash, origin, pathname } = new URL(String(value));
  if (protocol !== "https:" && protocol !== "http:") throw invalid("url", "url must begin with https://.");
  if (protocol === "http:" && !isThisMachine(hostname))
    throw invalid("url", "url must begin with https://: over http:// anybody on the way could read the token.");
  if (username !== "" || password !== "" || search !== "" || hash !== "")
    throw invalid("url", "url must have no user, password, query or fragment: give the token by its own option.");
  return `${origin}${pathname.replace(/\/+$/, "")}`;
}

/** A name that only begins like an address, such as 127.example.com, is anybody's. */
function isThisMachine(hostname: string): boolean {
  return hostname === "localhost" || hostname.endsWith(".localhost") || /^(127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function checkToken(value: unknown): string {
  if (typeof value === "string" && /^[\x21-\x7e]+$/.test(value)) return value;
  throw invalid("token", "token must be a token of the service: printable ASCII without spaces; is it set?");
}
