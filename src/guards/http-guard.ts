import { checkLease, checkText, invalid } from "../core/limits.ts";
import { StaleLeaseError } from "../errors.ts";

/** What a request says of the lock under which it was made. */
export interface Fence {
  /** What is guarded, such as the lock's id. */
  resource: string;
  /** The lease number. */
  lease: number;
}

/**
 * Remembers the newest lease of a resource and answers it, in one step of whatever store the service has: the higher of
 * `lease` and what was remembered.
 *
 * In SQL: `INSERT … ON CONFLICT DO UPDATE SET lease = max(lease, excluded.lease) RETURNING lease`.
 */
export type AdvanceFence = (resource: string, lease: number) => number | Promise<number>;

/**
 * The headers by which a request tells under which lease it is made: `Fencing-Token` and `Fencing-Resource`.
 *
 * @param resource - what is guarded, such as the lock's id: 1 to 512 bytes
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
  // Encoded: a header takes neither all characters nor line breaks.
  return { "Fencing-Token": String(lease), "Fencing-Resource": encodeURIComponent(resource) };
}

/**
 * What a request's headers say of its lease.
 *
 * @throws `INVALID_ARGUMENT` if either header is missing or malformed: answer 400, never take it for a request that
 * needs no fence.
 * @example
 * ```ts
 * const { resource, lease } = readFence(request.headers);
 * ```
 */
export function readFence(headers: Pick<Headers, "get">): Fence {
  const token = headers.get("Fencing-Token");
  if (token === null || !/^[1-9]\d{0,15}$/.test(token))
    throw invalid("Fencing-Token", "the header Fencing-Token must be a lease number.");
  return { resource: readResource(headers.get("Fencing-Resource")), lease: checkLease(Number(token), "Fencing-Token") };
}

/**
 * Lets a request pass unless a newer lease has come before it.
 *
 * What it protects is what the service does after it only as far as the store's step and that are one; where they are
 * two, a newer request may pass in between. A Durable Object or D1 does better with `fenceStorage` or `fenceD1`.
 *
 * @returns the request's fence
 * @throws `STALE_LEASE` (answer 412), `INVALID_ARGUMENT` (answer 400), and what `advance` throws
 * @example
 * ```ts
 * await verifyFence(request.headers, (resource, lease) => store.max(resource, lease));
 * ```
 */
export async function verifyFence(headers: Pick<Headers, "get">, advance: AdvanceFence): Promise<Fence> {
  const fence = readFence(headers);
  const newest = await advance(fence.resource, fence.lease);
  if (fence.lease < newest) throw new StaleLeaseError(fence.resource, fence.lease, newest);
  return fence;
}

function readResource(encoded: string | null): string {
  try {
    return checkText(decodeURIComponent(encoded ?? ""), "Fencing-Resource");
  } catch {
    throw invalid("Fencing-Resource", "the header Fencing-Resource must be an id of 1 to 512 bytes, percent-encoded.");
  }
}
