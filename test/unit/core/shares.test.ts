import { describe, expect, it } from "vitest";
import { scopedTo } from "../../../src/core/caller.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { Machine, NOW, PLAIN, READER } from "./machine.ts";

const REQUEST = { ...PLAIN, lockDelay: 0, wait: 20_000 };
const { maxLeasesPerToken, maxWaitersPerToken } = LIMITS;
const LEASES_USED_UP = { success: false, reason: "TOO_MANY_LEASES", share: true };
const idOf = (tokenName: string | undefined, id: string) => scopedTo(tokenName, id);

/** A lock on which one token holds as many leases as its share allows. */
function withLeases(more = {}): { machine: Machine; leases: number[] } {
  const machine = new Machine();
  const leases = Array.from({ length: maxLeasesPerToken }, (_, n) =>
    machine.acquire(NOW, { ...READER, requestId: idOf("greedy", `${n}`), ttl: 60_000, ...more }),
  );
  return { machine, leases };
}

describe("G9 a token's share of the leases", () => {
  it("A token can't exceed its share of the leases, while other tokens and RPC callers are granted.", () => {
    const { machine, leases } = withLeases();
    const greedy = { ...REQUEST, ...READER, requestId: idOf("greedy", "more") };
    expect(machine.state.acquire({ ...greedy, wait: 0 }, NOW)).toEqual(LEASES_USED_UP);
    expect(machine.state.enqueue(greedy, NOW)).toEqual(LEASES_USED_UP);
    for (const tokenName of ["modest", undefined])
      expect(machine.acquire(NOW, { ...READER, requestId: idOf(tokenName, "more") })).toBeGreaterThan(0);
    machine.state.release(leases[0] as number, "release", NOW);
    expect(machine.acquire(NOW, { ...READER, requestId: idOf("greedy", "more") })).toBeGreaterThan(0);
    expect(machine.state.acquire({ ...greedy, requestId: idOf("greedy", "again") }, NOW)).toEqual(LEASES_USED_UP);
  });

  it("A token's share of the leases counts stored leases, and a repeated request still gets its own.", () => {
    const { machine, leases } = withLeases();
    machine.restart(NOW);
    const greedy = { ...REQUEST, ...READER, requestId: idOf("greedy", "more") };
    expect(machine.state.acquire(greedy, NOW)).toEqual(LEASES_USED_UP);
    expect(machine.acquire(NOW, { ...READER, requestId: idOf("greedy", "0") })).toBe(leases[0]);
  });

  it("A token's share of the leases counts a lease in its lock-delay until that ends.", () => {
    const { machine } = withLeases({ ttl: 1_000, lockDelay: 5_000 });
    const greedy = { ...REQUEST, ...READER, wait: 0, requestId: idOf("greedy", "more") };
    expect(machine.state.acquire(greedy, NOW + 2_000)).toEqual(LEASES_USED_UP);
    expect(machine.state.acquire(greedy, NOW + 6_000)).toMatchObject({ success: true });
  });

  it("A token that uses up its share of the leases while it waits does not block the waiters behind it.", () => {
    const { machine, leases } = withLeases();
    machine.state.release(leases[0] as number, "release", NOW);
    const ask = (tokenName: string, id: string, more = {}) =>
      machine.state.enqueue({ ...REQUEST, ...READER, requestId: idOf(tokenName, id), ...more }, NOW);
    expect(ask("modest", "writer", { exclusive: true, capacity: 1 })).toBe(undefined);
    for (const id of ["first", "second"]) expect(ask("greedy", id)).toBe(undefined);
    expect(ask("modest", "reader")).toBe(undefined);
    machine.state.takeEffects();
    machine.state.cancel(idOf("modest", "writer"), NOW);
    const { answers } = machine.state.takeEffects();
    expect(answers.slice(1)).toMatchObject([
      { requestId: idOf("greedy", "first"), reply: { success: true } },
      { requestId: idOf("greedy", "second"), reply: LEASES_USED_UP },
      { requestId: idOf("modest", "reader"), reply: { success: true } },
    ]);
  });

  it("RPC callers have no share of the leases: they may hold more than one token may.", () => {
    const machine = new Machine();
    for (let n = 0; n <= maxLeasesPerToken; n += 1) expect(machine.acquire(NOW, READER)).toBeGreaterThan(0);
  });
});

describe("G9 a token's share of the queue", () => {
  it("A token can't exceed its share of the queue while others queue, and a waiter that leaves makes room.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ttl: 60_000 });
    const ask = (tokenName: string | undefined, id: string) =>
      machine.state.enqueue({ ...REQUEST, requestId: idOf(tokenName, id) }, NOW);
    for (let n = 0; n < maxWaitersPerToken; n += 1) expect(ask("greedy", `${n}`)).toBe(undefined);
    expect(ask("greedy", "more")).toEqual({ success: false, reason: "QUEUE_FULL", share: true });
    expect(ask("greedy", "0")).toBe(undefined);
    for (const tokenName of ["modest", undefined]) expect(ask(tokenName, "more")).toBe(undefined);
    expect(machine.state.waiting).toBe(maxWaitersPerToken + 2);
    machine.state.drop(idOf("greedy", "7"), NOW);
    expect(ask("greedy", "more")).toBe(undefined);
    expect(ask("greedy", "one too many")).toMatchObject({ share: true });
  });
});
