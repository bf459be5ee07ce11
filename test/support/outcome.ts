let made = 0;

/** An id that no other test uses: the objects of one file share their storage. */
export function freshId(label = "lock"): string {
  made += 1;
  return `${label}-${made}-${crypto.randomUUID().slice(0, 8)}`;
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The outcome of a promise, without an unhandled rejection in the meantime. */
export async function outcome<T>(promise: Promise<T>): Promise<{ value?: T; error?: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

/** What a promise rejects with; undefined if it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return (await outcome(promise)).error;
}

/** The value of a promise if it is already fulfilled, otherwise "parked". */
export const settled = <T>(promise: Promise<T>): Promise<T | "parked"> =>
  Promise.race([promise, Promise.resolve("parked" as const)]);
