import type { Lock } from "../../client.ts";
import { EXIT, Failure } from "../terminal/exit-codes.ts";
import { printable } from "../terminal/reporter.ts";
import type { ConnectedLock } from "./connection.ts";
import type { LeaseOptions } from "./lease-options.ts";

/** A lock that a `run` holds around a command. */
interface HeldLock {
  url: string;
  id: string;
  lease: number;
}

/** The environment of a command under the lock. */
export function environmentUnder({ lock, url }: ConnectedLock, lease: number): NodeJS.ProcessEnv {
  const held: HeldLock[] = [...heldLocks(), { url, id: lock.id, lease }];
  return { ...process.env, LOCK_ID: lock.id, LOCK_LEASE: String(lease), LOCK_HELD: JSON.stringify(held) };
}

/**
 * The live lease with which a `run` around this process holds the whole lock. Waiting for it would never end.
 *
 * Undefined if there is none, or if the service can't say. In that case the call just waits.
 */
export async function leaseAround(
  service: ConnectedLock,
  spec: LeaseOptions,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { lock, url } = service;
  if (spec.permits !== undefined || spec.capacity !== undefined) return undefined;
  const leases = heldLocks().flatMap((held) => (held.url === url && held.id === lock.id ? [held.lease] : []));
  if (leases.length === 0) return undefined;
  const status = await Promise.race([statusOf(lock), aborted(signal)]);
  return status?.holders.find(({ lease, exclusive }) => exclusive && leases.includes(lease))?.lease;
}

/** The failure of a call that would wait for itself. A retry can't fix that, so the exit code is not 75, "taken". */
export function heldAround(id: string, lease: number): Failure {
  return new Failure(
    EXIT.usage,
    `${printable(id)}: the \`run\` around this command already holds the lock (lease ${lease}), so this call would ` +
      "wait for itself. Don't take it again: work under that lease, which is in LOCK_LEASE.",
  );
}

/** The locks that the `run`s around this process hold, the outermost first. Ignores a LOCK_HELD with another shape. */
function heldLocks(): HeldLock[] {
  try {
    const held: unknown = JSON.parse(process.env["LOCK_HELD"] ?? "[]");
    return Array.isArray(held) ? held.filter(isHeldLock) : [];
  } catch {
    return [];
  }
}

function isHeldLock(value: unknown): value is HeldLock {
  if (typeof value !== "object" || value === null) return false;
  const { url, id, lease } = value as Partial<Record<keyof HeldLock, unknown>>;
  return typeof url === "string" && typeof id === "string" && typeof lease === "number";
}

async function statusOf(lock: Lock) {
  return await lock.status().catch(() => undefined);
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  if (signal.aborted) return undefined;
  signal.addEventListener("abort", () => resolve(undefined));
  return promise;
}
