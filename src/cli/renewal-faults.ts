import { createLock } from "../client/create-lock.ts";
import type { Lock } from "../client/lock.ts";
import type { LockPrimitives } from "../client/primitives.ts";

/** A lock, and why its last renewal failed. */
export interface Remembering {
  lock: Lock;
  /** Undefined if it was answered, or nothing came back at all. */
  fault: () => unknown;
}

/** Remembers why renewals fail: a command that is stopped while its lease is in doubt has no other way to tell. */
export function rememberFaults({ primitives }: Lock): Remembering {
  let fault: unknown;
  const renew: LockPrimitives["renew"] = async (...args) => {
    const [, , , signal] = args;
    try {
      const reply = await primitives.renew(...args);
      fault = undefined;
      return reply;
    } catch (error) {
      // One that was given up says nothing of the service.
      if (!signal?.aborted) fault = error;
      throw error;
    }
  };
  return { lock: createLock({ ...primitives, renew }), fault: () => fault };
}
