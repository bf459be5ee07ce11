import type { BadArgumentReply } from "../core/replies.ts";
import { LockError } from "../errors.ts";

/** Answers a call with what `work` comes to, bad arguments included. */
export async function answer<T>(work: () => T | Promise<T>): Promise<T | BadArgumentReply> {
  try {
    return await work();
  } catch (error) {
    return refusalOf(error);
  }
}

/** A bad argument as a result: an error class would lose its fields across RPC before compatibility date 2026-04-21. */
export function refusalOf(error: unknown): BadArgumentReply {
  if (!(error instanceof LockError)) throw error;
  const { code, argument = "", message } = error;
  return { success: false, reason: code === "VERSION_MISMATCH" ? code : "INVALID_ARGUMENT", argument, message };
}
