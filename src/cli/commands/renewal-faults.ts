import { type Lock, type LockPrimitives, createLock } from "../../client.ts";

/** A lock, and why its last renewal failed. */
export interface Remembering {
  lock: Lock;
  /** Undefined if the renewal was answered, or if nothing came back at all. */
  fault: () => unknown;
}

/** Remembers why renewals fail: if `run` stops a command while its lease is in doubt, no error tells the reason yet. */
export function rememberFaults({ primitives }: Lock): Remembering {
  let fault: unknown;
  const renew: LockPrimitives["renew"] = async (...args) => {
    const [, , , signal] = args;
    try {
      const reply = await primitives.renew(...args);
      fault = undefined;
      return reply;
    } catch (error) {
      // A renewal that was aborted says nothing about the service.
      if (!signal?.aborted) fault = error;
      throw error;
    }
  };
  return { lock: createLock({ ...primitives, renew }), fault: () => fault };
}
