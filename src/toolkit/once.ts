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
  /**
   * How long the result is remembered, in milliseconds up to 366 days. The job does not run again during that time.
   *
   * @default 86400000
   */
  retain?: number;
  /**
   * Identifies the payload, such as `JSON.stringify(order)`. It may have any length: only its hash is stored. Without
   * one, payloads are not compared.
   *
   * @default none
   */
  fingerprint?: string;
  /**
   * Whether an error counts as the job's result: later callers get the same error, and the job does not run again.
   *
   * @default false
   */
  recordErrors?: boolean;
}

const OPTIONS = [...COMBINED_OPTIONS, "retain", "fingerprint", "recordErrors"] as const;

const DAY = 86_400_000;

interface CheckedJob {
  holding: HoldRequest;
  resultOf: (outcome: WorkOutcome) => JobResult | undefined;
}

/**
 * Runs `fn` once for the lock's id, and gives its result to every caller: while it runs, and for `retain` ms
 * afterwards.
 *
 * The first caller runs `fn` under the lock. A caller that comes while it runs waits for the result, up to `wait` ms
 * (10 s by default; with 0 it gets `LOCK_TIMEOUT` at once). The lock's object stores the result in one step with the
 * release, and only if the lease is still live. If `fn` throws, nothing is stored and the next caller runs it. If the
 * caller that runs it dies, the next caller runs it after the lease has ended.
 *
 * So at most one result is ever recorded, and runs that obey their `signal` never overlap. But if the end of a run
 * can't be recorded, because its caller has died or lost the lease, another run follows: what `fn` does elsewhere must
 * be repeatable, or fenced by `lease`.
 *
 * The result may be anything that `structuredClone` takes, including `undefined`, up to 2 MB and 1,000 levels deep,
 * except platform classes such as `Blob`. Class instances come back as plain objects. A recorded error comes back as an
 * `Error` with its name, message, cause and own fields.
 *
 * @throws what `fn` throws; `FINGERPRINT_MISMATCH`, `RESULT_TOO_LARGE`, `RESULT_NOT_CLONEABLE`; what `withLock` throws.
 * After `RELEASE_FAILED` it is unknown whether the result is stored: call again.
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
  const { retain: given, fingerprint, recordErrors, ...rest } = checkCombined(options, OPTIONS);
  const retain = given === undefined ? DAY : checkRetain(given);
  if (fingerprint !== undefined && typeof fingerprint !== "string")
    throw invalid("fingerprint", "fingerprint must be a string, such as JSON.stringify(payload).");
  // The hash is of UTF-8, in which every lone surrogate becomes U+FFFD: two different payloads could silently count as
  // one.
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

/** A hash is short for any payload, and nothing of the payload itself is stored. */
async function hashOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
