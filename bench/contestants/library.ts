import type { Lock } from "../../src/client.ts";
import { type Contestant, type Held, TTL } from "./contestant.ts";

/** This library, as a `Lock` gives it: over RPC in a Worker, or over HTTP in a process. */
export function libraryContestant(
  lockOf: (id: string) => Lock,
  requests: () => number | undefined = () => undefined,
): Contestant {
  const locks = new Map<string, Lock>();
  const lock = (id: string): Lock => {
    const known = locks.get(id) ?? lockOf(id);
    locks.set(id, known);
    return known;
  };
  const heldBy = ({ release, renew }: Lock, lease: number): Held => ({
    release: () => release(lease),
    renew: () => renew(lease, TTL),
  });
  return {
    async tryOnce(id) {
      const result = await lock(id).acquire(TTL);
      return result.success ? heldBy(lock(id), result.lease) : undefined;
    },
    async wait(id, signal) {
      const result = await lock(id).acquire(TTL, { wait: TTL, signal });
      if (!result.success) throw new Error(`The lock was not granted: ${result.reason}.`);
      return heldBy(lock(id), result.lease);
    },
    withLock: (id, work) => lock(id).withLock(work, { wait: TTL }),
    requests,
  };
}
