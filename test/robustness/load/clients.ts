// A process of many clients: each takes and gives back one of the locks, again and again.
import { connectLocks, isLockError, type Lock } from "../../../src/client.ts";
import type { Step, Tally, Task } from "./messages.ts";

/** One in so many clients asks once instead of waiting in the queue. */
const TRIES = 5;

const tally: Tally = { outcomes: {}, examples: {}, waits: [], rounds: [] };
const answers = new Map<number, () => void>();
let steps = 0;

/** Reports to the arbiter, and goes on only when the arbiter has seen the report. */
async function seen(kind: Step["kind"], id: string, lease: number): Promise<void> {
  const step = (steps += 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  answers.set(step, resolve);
  process.send?.({ step, kind, id, lease } satisfies Step);
  await promise;
}

async function round(lock: Lock, n: number): Promise<string> {
  const asked = performance.now();
  const section = async ({ lease }: { lease: number }) => {
    tally.waits.push(performance.now() - asked);
    await seen("enter", lock.id, lease);
    await seen("leave", lock.id, lease);
  };
  try {
    if (n % TRIES === 0) {
      const tried = await lock.tryWithLock(section);
      if (!tried.acquired) return tried.reason;
    } else await lock.withLock(section);
    tally.rounds.push(performance.now() - asked);
    return "done";
  } catch (error) {
    const kind = isLockError(error) ? error.code : String(error);
    tally.examples[kind] ??= String(error);
    return kind;
  }
}

async function client(locks: Lock[], until: number): Promise<void> {
  for (let n = Math.floor(Math.random() * TRIES); performance.now() < until; n += 1) {
    const lock = locks[Math.floor(Math.random() * locks.length)] as Lock;
    const outcome = await round(lock, n);
    tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
  }
}

async function run({ url, token, clients, ids, duration }: Task): Promise<void> {
  const connection = connectLocks({ url, token });
  const locks = Array.from({ length: ids }, (_, n) => connection.lock(`load/${n}`));
  const until = performance.now() + duration;
  await Promise.all(Array.from({ length: clients }, () => client(locks, until)));
  // Only when it is out: it is long.
  process.send?.(tally, () => process.disconnect());
}

process.on("message", (message: Task | { seen: number }) => {
  if ("url" in message) {
    void run(message);
    return;
  }
  answers.get(message.seen)?.();
  answers.delete(message.seen);
});
