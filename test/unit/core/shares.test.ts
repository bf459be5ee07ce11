import { describe, expect, it } from "vitest";
import { scopedTo } from "../../../src/core/caller.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { Machine, NOW, PLAIN, READER } from "./machine.ts";

const REQUEST = { ...PLAIN, lockDelay: 0, wait: 20_000 };
const { maxLeasesPerToken, maxWaitersPerToken } = LIMITS;
const LEASES_USED_UP = { success: false, reason: "TOO_MANY_LEASES", share: true };
const idOf = (tokenName: string | undefined, id: string) => scopedTo(tokenName, id);

/** A lock of which one token holds as many leases as it may. */
function withLeases(more = {}): { machine: Machine; leases: number[] } {
  const machine = new Machine();
  const leases = Array.from({ length: maxLeasesPerToken }, (_, n) =>
    machine.acquire(NOW, { ...READER, requestId: idOf("greedy", `${n}`), ttl: 60_000, ...more }),
  );
  return { machine, leases };
}

describe("G9 a token's share of the leases", () => {
  it("is refused to be exceeded, waiting or not, while other tokens and callers over RPC are granted", () => {
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

  it("counts what was stored, and a repeat of what is granted is answered", () => {
    const { machine, leases } = withLeases();
    machine.restart(NOW);
    const greedy = { ...REQUEST, ...READER, requestId: idOf("greedy", "more") };
    expect(machine.state.acquire(greedy, NOW)).toEqual(LEASES_USED_UP);
    expect(machine.acquire(NOW, { ...READER, requestId: idOf("greedy", "0") })).toBe(leases[0]);
  });

  it("counts those whose lock-delay lasts, until it is over", () => {
    const { machine } = withLeases({ ttl: 1_000, lockDelay: 5_000 });
    const greedy = { ...REQUEST, ...READER, wait: 0, requestId: idOf("greedy", "more") };
    expect(machine.state.acquire(greedy, NOW + 2_000)).toEqual(LEASES_USED_UP);
    expect(machine.state.acquire(greedy, NOW + 6_000)).toMatchObject({ success: true });
  });

  it("that is used up while its requests wait does not keep those behind them from being granted", () => {
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

  it("of callers over RPC is all of them", () => {
    const machine = new Machine();
    for (let n = 0; n <= maxLeasesPerToken; n += 1) expect(machine.acquire(NOW, READER)).toBeGreaterThan(0);
  });
});

describe("G9 a token's share of the queue", () => {
  it("is refused to be exceeded, while others queue, and is free again once one of its requests has left", () => {
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
