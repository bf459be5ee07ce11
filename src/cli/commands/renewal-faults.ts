import { type Lock, type LockPrimitives, createLock } from "../../client.ts";

/** A lock that remembers why its last renewal failed. */
export interface Remembering {
  lock: Lock;
  /** Why the last renewal failed. Undefined if it was answered, or if it was aborted without an answer. */
  fault: () => unknown;
}

/** Remembers why renewals fail. If `run` stops a command while its lease is in doubt, no error gives the reason yet. */
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
