import { setTimeout as sleep } from "node:timers/promises";
import type { Bank } from "./bank.ts";
import type { LockStatus } from "./messages.ts";
import type { View } from "./view.ts";

/** What a race came to. */
export interface Race {
  /** The deposits that were confirmed to their worker, added up. */
  expected: number;
  balance: number;
  lostUpdates: number;
}

const AMOUNT = 10;
const WORK = 150;
const TTL = 5_000;
const WORKERS = Array.from({ length: 12 }, (_, index) => `worker-${String(index + 1).padStart(2, "0")}`);

const CRASHES = { owner: "crashes", ttl: 1_000 };
/** Renews at a third of its ttl, which is when it learns of its loss; left alone it would work on for long. */
const SLOW = { owner: "slow", ttl: 1_200, work: 10_000 };
const PATIENCE = 600;

/** All the workers at once, on their own. */
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

/** The same workers, one at a time, and among them one that dies and one whose lease is taken away. */
export async function raceWithLock(bank: Bank, view: View): Promise<Race> {
  view.title("With withLock: the same, and among them one that dies holding the lock and one whose lease is lost.");
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
  view.alarm(owner, `its lease EXPIRED after its ttl of ${ttl} ms: the next in line has the lock`);
}

async function losesItsLease(bank: Bank, view: View): Promise<void> {
  const { owner, work } = SLOW;
  const [deposit] = await Promise.all([bank.depositLocked({ ...SLOW, amount: AMOUNT }), operator(bank, view)]);
  if (!("lost" in deposit)) throw new Error(`${owner} was to lose its lease and did not`);
  const { lost, worked, waited } = deposit;
  view.alarm(
    owner,
    `waited ${waited} ms, LEASE LOST (${lost}): its signal stopped it after ${worked} of ${work} ms, unwritten`,
  );
}

/** Somebody who loses patience with a holder. */
async function operator(bank: Bank, view: View): Promise<void> {
  const holder = await seen(bank, ({ holders }) => holders.find(({ owner }) => owner === SLOW.owner));
  await sleep(PATIENCE);
  view.alarm("operator", `loses patience with ${SLOW.owner} and releases its lease ${holder.lease}`);
  await bank.release(holder.lease);
}

/** Shows the lock for as long as the race lasts. */
async function watch(bank: Bank, view: View, race: Promise<unknown>): Promise<void> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  race.then(over, over);
  await seen(bank, (status) => {
    view.show(status);
    return isOver;
  });
}

/** Looks at the lock again and again until there is to be seen what is looked for. */
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
