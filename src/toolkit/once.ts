import { checkRetain, invalid } from "../core/checks.ts";
import type { JobResult } from "../core/replies.ts";
import { refused } from "../hold/refusal.ts";
import { type HoldRequest, tryJob } from "../hold/start-hold.ts";
import { type CriticalSection, type WorkOutcome, checkWork, runUnder } from "../hold/work.ts";
import { type Lock, checkLock } from "./lock.ts";
import { everything } from "./options/claim-rule.ts";
import { type HoldOptions, checkCombined, holdingOf } from "./options/hold-options.ts";
import { COMBINED_OPTIONS } from "./options/option-names.ts";
import { errorOf, recordOf } from "./recorded-error.ts";

/** How to run a job once. */
export interface OnceOptions extends Pick<HoldOptions, (typeof COMBINED_OPTIONS)[number]> {
  /** How long the result is remembered, in milliseconds up to 366 days: within it the job does not run again. @default 86400000 */
  retain?: number;
  /** Tells the payload, such as `JSON.stringify(order)`; of any length, only its hash is stored. Without one, payloads are not compared. @default none */
  fingerprint?: string;
  /** Whether a failure counts as the job's result, thrown again to later callers, instead of being tried again. @default false */
  recordErrors?: boolean;
}

const OPTIONS = [...COMBINED_OPTIONS, "retain", "fingerprint", "recordErrors"] as const;

const DAY = 86_400_000;

interface CheckedJob {
  holding: HoldRequest;
  resultOf: (outcome: WorkOutcome) => JobResult | undefined;
}

/**
 * Runs `fn` once for the lock's id, and gives its result to everybody who asks: now, while it runs, and for `retain` ms.
 *
 * The first caller runs `fn` under the lock. Whoever comes while it runs waits for its result, up to `wait` ms (10 s; 0
 * to be told at once that it runs, by `LOCK_TIMEOUT`). The result is stored in the lock's object in one step with the
 * release, and only if the lease is still live. If `fn` throws, nothing is stored and the next caller runs it; if its
 * runner dies, the next caller runs it when the lease is over.
 *
 * So at most one result is ever recorded, and no two runs overlap that heed their `signal`. But a run whose end could not
 * be recorded (its runner died, or lost its lease) is followed by another: what `fn` does elsewhere must be repeatable,
 * or fenced by `lease`.
 *
 * The result may be what `structuredClone` takes, `undefined` included, up to 2 MB and 1,000 levels deep, but no class of
 * the platform such as `Blob`; class instances come back as plain objects. An error that was recorded comes back as an
 * `Error` with its name, message, cause and own fields.
 *
 * @throws what `fn` throws; `FINGERPRINT_MISMATCH`, `RESULT_TOO_LARGE`, `RESULT_NOT_CLONEABLE`; what `withLock` throws.
 * With `RELEASE_FAILED` nobody knows whether the result is stored: ask again.
 * @example
 * ```ts
 * const payment = useDurableLock(env.DURABLE_LOCK, `payment:${order.id}`);
 * const receipt = await once(payment, () => charge(order), { fingerprint: JSON.stringify(order) });
 * ```
 */
export async function once<T>(lock: Lock, fn: CriticalSection<T>, options?: OnceOptions): Promise<T> {
  checkWork(fn);
  const { primitives } = checkLock(lock);
  const { holding, resultOf } = await checkOnceOptions(options);
  const hold = await tryJob(primitives, holding);
  if ("held" in hold) return runUnder(hold, fn, resultOf);
  if (!("result" in hold)) throw refused(primitives, holding, hold);
  const { result } = hold;
  if (result.failed) throw errorOf(result.value);
  return result.value as T;
}

async function checkOnceOptions(options: OnceOptions | undefined): Promise<CheckedJob> {
  const { retain: asked, fingerprint, recordErrors, ...rest } = checkCombined(options, OPTIONS);
  const retain = asked === undefined ? DAY : checkRetain(asked);
  if (fingerprint !== undefined && typeof fingerprint !== "string")
    throw invalid("fingerprint", "fingerprint must be a string, such as JSON.stringify(payload).");
  // Hashed as UTF-8 every lone surrogate is U+FFFD: two different payloads would silently be one.
  if (fingerprint?.isWellFormed() === false)
    throw invalid("fingerprint", "fingerprint must be well-formed Unicode, without lone surrogates.");
  if (recordErrors !== undefined && typeof recordErrors !== "boolean")
    throw invalid("recordErrors", "recordErrors must be true or false.");
  const holding = holdingOf(rest, everything);
  holding.request.job = { fingerprint: fingerprint === undefined ? undefined : await hashOf(fingerprint) };
  const resultOf = (outcome: WorkOutcome): JobResult | undefined => {
    if ("value" in outcome) return { value: outcome.value, failed: false, retain };
    return recordErrors ? { value: recordOf(outcome.error), failed: true, retain } : undefined;
  };
  return { holding, resultOf };
}

/** Short whatever the payload, and nothing of it is kept. */
async function hashOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
