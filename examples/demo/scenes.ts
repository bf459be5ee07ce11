import { setTimeout as sleep } from "node:timers/promises";
import type { Bank } from "./bank.ts";
import type { LockStatus } from "./messages.ts";
import type { View } from "./view.ts";

/** The outcome of a race. */
export interface Race {
  /** The sum of the deposits that were confirmed to their workers. */
  expected: number;
  balance: number;
  lostUpdates: number;
}

const AMOUNT = 10;
const WORK = 150;
const TTL = 5_000;
const WORKERS = Array.from({ length: 12 }, (_, index) => `worker-${String(index + 1).padStart(2, "0")}`);

const CRASHES = { owner: "crashes", ttl: 1_000 };
/** Learns about its loss when it renews, after a third of its ttl. Otherwise it would work for much longer. */
const SLOW = { owner: "slow", ttl: 1_200, work: 10_000 };
const PATIENCE = 600;

/** All workers at once, without a lock. */
export async function raceWithoutLock(bank: Bank, view: View): Promise<Race> {
  view.title(
    `Without a lock: ${WORKERS.length} workers add ${AMOUNT} to one account at once: a read, an await and a write.`,
  );
  const one = async (owner: string) => {
    const { read, wrote } = await bank.deposit({ amount: AMOUNT, work: WORK });
    view.event(owner, `read ${read}, wrote ${wrote}`);
  };
  await Promise.all(WORKERS.map(one));
  return outcome(bank, WORKERS.length);
}

/** The same workers, one at a time, among them one that dies and one that loses its lease. */
export async function raceWithLock(bank: Bank, view: View): Promise<Race> {
  view.title("With withLock: the same, but one worker dies while it holds the lock, and one loses its lease.");
  let confirmed = 0;
  const one = async (owner: string) => {
    const deposit = await bank.depositLocked({ owner, amount: AMOUNT, work: WORK, ttl: TTL });
    if ("lost" in deposit) throw new Error(`${owner} lost its lease: ${deposit.lost}`);
    confirmed += 1;
    view.event(owner, `waited ${deposit.waited} ms, read ${deposit.read}, wrote ${deposit.wrote}`);
  };
  const race = Promise.all([
    ...WORKERS.slice(0, 4).map(one),
    crashes(bank, view),
    ...WORKERS.slice(4, 8).map(one),
    losesItsLease(bank, view),
    ...WORKERS.slice(8).map(one),
  ]);
  await Promise.all([race, watch(bank, view, race)]);
  return outcome(bank, confirmed);
}

async function crashes(bank: Bank, view: View): Promise<void> {
  const { owner, ttl } = CRASHES;
  const { lease, waited } = await bank.crash(CRASHES);
  view.alarm(owner, `waited ${waited} ms, read, DIED: it will neither write nor release`);
  await seen(bank, ({ holders }) => holders.every((holder) => holder.lease !== lease));
  view.alarm(owner, `its lease EXPIRED after its ttl of ${ttl} ms: the next waiter has the lock`);
}

async function losesItsLease(bank: Bank, view: View): Promise<void> {
  const { owner, work } = SLOW;
  const [deposit] = await Promise.all([bank.depositLocked({ ...SLOW, amount: AMOUNT }), operator(bank, view)]);
  if (!("lost" in deposit)) throw new Error(`${owner} should have lost its lease but did not`);
  const { lost, worked, waited } = deposit;
  view.alarm(
    owner,
    `waited ${waited} ms, LEASE LOST (${lost}): its signal stopped it after ${worked} of ${work} ms, unwritten`,
  );
}

/** An operator who loses patience with a holder. */
async function operator(bank: Bank, view: View): Promise<void> {
  const holder = await seen(bank, ({ holders }) => holders.find(({ owner }) => owner === SLOW.owner));
  await sleep(PATIENCE);
  view.alarm("operator", `loses patience with ${SLOW.owner} and releases its lease ${holder.lease}`);
  await bank.release(holder.lease);
}

/** Shows the lock until the race has ended. */
async function watch(bank: Bank, view: View, race: Promise<unknown>): Promise<void> {
  let hasEnded = false;
  const end = () => {
    hasEnded = true;
  };
  race.then(end, end);
  await seen(bank, (status) => {
    view.show(status);
    return hasEnded;
  });
}

/** Asks for the lock's status again and again until `find` finds something in it. */
async function seen<T>(bank: Bank, find: (status: LockStatus) => T): Promise<NonNullable<T>> {
  for (;;) {
    const found = find(await bank.status());
    if (found) return found;
    await sleep(50);
  }
}

async function outcome(bank: Bank, confirmed: number): Promise<Race> {
  const expected = confirmed * AMOUNT;
  const balance = await bank.balance();
  return { expected, balance, lostUpdates: (expected - balance) / AMOUNT };
}
