import { checkOptions, checkWait } from "../../core/checks.ts";
import { checkSignal } from "../../transport/own-request.ts";
import { DEFAULT_WAIT } from "./defaults.ts";

/** How to wait. */
export interface WaitOptions {
  /** How long to wait, in milliseconds up to a day; `Infinity` for no limit. @default 10000 */
  wait?: number;
  /** Aborts the wait. @default none */
  signal?: AbortSignal;
}

/** Checks the options for waiting at a latch or a barrier. */
export function checkWaiting(options: unknown): { wait: number; signal: AbortSignal | undefined } {
  const { wait, signal } = checkOptions(options, ["wait", "signal"]);
  return { wait: wait === undefined ? DEFAULT_WAIT : checkWait(wait), signal: checkSignal(signal) };
}
