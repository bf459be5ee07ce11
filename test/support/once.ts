import { runInDurableObject } from "cloudflare:test";
import { once } from "../../src/index.ts";
import { faultyNamespace } from "./faulty-namespace.ts";
import { lockOf, outcome, stubOf } from "./locks.ts";

export const DAY = 86_400_000;
export const RERUN = "ran again";
export const rerun = () => RERUN;

/** What the object has stored about a job's result. */
export const kept = (id: string) => runInDurableObject(stubOf(id), (_lock, { storage }) => storage.kv.get("result"));

/** The result that a caller gets now, and whether the job ran for it. */
export async function askedNow<T>(id: string, options = {}): Promise<{ value: T; ran: boolean }> {
  let ran = false;
  const value = await once(lockOf(id), () => ((ran = true), RERUN), { wait: 0, ...options });
  return { value: value as T, ran };
}

/** A job that runs until the test resolves or rejects it. */
export function openJob<T = string>() {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const started = Promise.withResolvers<number>();
  const fn = ({ lease }: { lease: number }) => (started.resolve(lease), promise);
  return { fn, started: started.promise, resolve, reject };
}

/** A runner that can die. From then on its calls do not leave and get no answer. */
export function mortal() {
  let dead = false;
  const { namespace } = faultyNamespace((_method, run) => (dead ? new Promise(() => {}) : run()));
  return { lock: (id: string) => lockOf(id, namespace), die: () => void (dead = true) };
}

export const codeOf = async (promise: Promise<unknown>) => ((await outcome(promise)).error as { code?: string })?.code;

/** Everything that the object has stored. */
export async function stored(id: string): Promise<{ tables: unknown[]; alarm: number | null }> {
  return runInDurableObject(stubOf(id), async (_lock, { storage }) => ({
    tables: storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    alarm: await storage.getAlarm(),
  }));
}
