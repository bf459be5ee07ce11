import { checkLease, checkText, invalid } from "../core/checks.ts";
import { StaleLeaseError } from "../errors.ts";

/** What a request says about the lock under which it was made. */
export interface Fence {
  /** What the fence protects, such as the lock's id. */
  resource: string;
  /** The lease number. */
  lease: number;
}

/** The part of the web's `Headers` that is used, declared here so that a service does not need the web's types. */
export interface HeadersReader {
  /** The value of a header, or null. */
  get(name: string): string | null | undefined;
}

/** The headers of a request: the web's `Headers`, or a record of them as Node's `http` makes (`request.headers`). */
export type RequestHeaders = HeadersReader | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Stores the newest lease of a resource and returns it: the higher of `lease` and the stored one. It must be one atomic
 * step of the service's store.
 *
 * In SQL: `INSERT … ON CONFLICT DO UPDATE SET lease = max(lease, excluded.lease) RETURNING lease`.
 */
export type AdvanceFence = (resource: string, lease: number) => number | Promise<number>;

/**
 * The headers that say under which lease a request is made: `Fencing-Token` and `Fencing-Resource`.
 *
 * @param resource - what the fence protects, such as the lock's id: 1 to 512 bytes
 * @param lease - the lease number
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * await fetch(url, { method: "PUT", body, headers: fenceHeaders("account:42", held.lease) });
 * ```
 */
export function fenceHeaders(resource: string, lease: number): Record<"Fencing-Token" | "Fencing-Resource", string> {
  checkText(resource, "resource");
  checkLease(lease);
  // Encode the resource: a header can't contain every character, nor line breaks.
  return { "Fencing-Token": String(lease), "Fencing-Resource": encodeURIComponent(resource) };
}

/**
 * Reads the lease and the resource from a request's headers.
 *
 * @throws `INVALID_ARGUMENT` if either header is missing, malformed or present twice: answer 400, and never treat the
 * request as one that needs no fence.
 * @example
 * ```ts
 * const { resource, lease } = readFence(request.headers);
 * ```
 */
export function readFence(headers: RequestHeaders): Fence {
  const token = only(headers, "Fencing-Token") ?? "";
  if (!/^[1-9]\d{0,15}$/.test(token) || !Number.isSafeInteger(Number(token)))
    throw invalid("Fencing-Token", "the header Fencing-Token must be present once, and be a lease number.");
  return { resource: readResource(only(headers, "Fencing-Resource") ?? ""), lease: Number(token) };
}

/**
 * Lets a request pass unless a newer lease has come before it.
 *
 * It protects what the service does next only if that and the store's step are one transaction. If they are two, a
 * newer request may pass in between. In a Durable Object or with D1, prefer `fenceStorage` or `fenceD1`.
 *
 * @returns the request's fence
 * @throws `STALE_LEASE` (answer 412), `INVALID_ARGUMENT` (answer 400), and what `advance` throws
 * @example
 * ```ts
 * await verifyFence(request.headers, (resource, lease) => store.max(resource, lease));
 * ```
 */
export async function verifyFence(headers: RequestHeaders, advance: AdvanceFence): Promise<Fence> {
  const fence = readFence(headers);
  const newest = await advance(fence.resource, fence.lease);
  // A store that returns nothing, or a number as text, would let every request pass.
  if (!Number.isSafeInteger(newest) || newest < fence.lease)
    throw invalid("advance", "advance must return a number: the higher of the lease and the newest one stored.");
  if (fence.lease < newest) throw new StaleLeaseError(fence.resource, fence.lease, newest);
  return fence;
}

/** The value of a header that is present once. A record may spell its name in any case. */
function only(headers: RequestHeaders, name: string): string | undefined {
  if (typeof headers.get === "function") return (headers as HeadersReader).get(name) ?? undefined;
  const [value, ...more] = Object.entries(headers).filter(([key]) => key.toLowerCase() === name.toLowerCase());
  return more.length === 0 && typeof value?.[1] === "string" ? value[1] : undefined;
}

function readResource(encoded: string): string {
  try {
    // Accept only what `fenceHeaders` makes: the bytes of an "ü" would be read as two other letters, and platforms join
    // a repeated header with a comma.
    if (/^[\x21-\x2b\x2d-\x7e]+$/.test(encoded)) return checkText(decodeURIComponent(encoded), "Fencing-Resource");
  } catch {
    // The error below names the header.
  }
  throw invalid(
    "Fencing-Resource",
    "the header Fencing-Resource must be present once, and be an id of 1 to 512 bytes, percent-encoded.",
  );
}
