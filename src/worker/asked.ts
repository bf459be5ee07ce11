import type { LockPrimitives } from "../client/primitives.ts";
import { ANSWER_WITHIN, callObject } from "../client/retry.ts";
import { isLockError } from "../errors.ts";
import { refused, unreachable } from "./refused.ts";

/** Calls the lock's object, and repeats the call after a fault that is worth it. */
export async function asked<T>(
  { id }: LockPrimitives,
  call: (signal: AbortSignal) => Promise<T>,
  parked = 0,
): Promise<T> {
  try {
    return await callObject(call, { id, within: parked + ANSWER_WITHIN });
  } catch (error) {
    if (isLockError(error, "UNREACHABLE")) throw unreachable(error);
    if (isLockError(error, "VERSION_MISMATCH")) throw refused("VERSION_MISMATCH", error.message);
    throw error;
  }
}
