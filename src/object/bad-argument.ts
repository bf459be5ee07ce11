import type { BadArgumentReply } from "../core/replies.ts";
import { LockError } from "../errors.ts";

/** Answers a call with the result of `work`. A bad argument also becomes a reply. */
export async function answer<T>(work: () => T | Promise<T>): Promise<T | BadArgumentReply> {
  try {
    return await work();
  } catch (error) {
    return refusalOf(error);
  }
}

/**
 * Turns a bad argument into a reply: before compatibility date 2026-04-21, an error class loses its fields across RPC.
 */
export function refusalOf(error: unknown): BadArgumentReply {
  if (!(error instanceof LockError)) throw error;
  const { code, argument = "", message } = error;
  return { success: false, reason: code === "VERSION_MISMATCH" ? code : "INVALID_ARGUMENT", argument, message };
}
