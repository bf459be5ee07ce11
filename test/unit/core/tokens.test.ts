import { describe, expect, it } from "vitest";
import { type Caller, scopedTo } from "../../../src/core/caller.ts";
import type { Decision } from "../../../src/core/replies.ts";
import { EXCLUSIVE, Machine, NOW, PLAIN, READER } from "./machine.ts";

const ONE: Caller = { tokenName: "one", isAdmin: false };
const OTHER: Caller = { tokenName: "other", isAdmin: false };
const ADMIN: Caller = { tokenName: "admin", isAdmin: true };
const REFUSED = { success: false, reason: "OTHER_TOKEN" };

const idOf = (caller: Caller | undefined, id = "same") => scopedTo(caller?.tokenName, id);
const request = (caller: Caller | undefined, id = "same") => ({ ...PLAIN, lockDelay: 0, requestId: idOf(caller, id) });
const take = (machine: Machine, caller: Caller | undefined, claim = EXCLUSIVE, id = "same") =>
  machine.acquire(NOW, { requestId: idOf(caller, id), ...claim });
const wait = (machine: Machine, caller: Caller | undefined, claim = EXCLUSIVE, id = "same") =>
  machine.state.enqueue({ ...request(caller, id), ...claim, wait: 20_000 }, NOW);

describe("Leases of tokens", () => {
  it.each([
    ["of a token", ONE],
    ["taken over RPC", undefined],
  ])("A lease %s can't be renewed, converted or released by another token, and stays as it was.", (_what, owner) => {
    const machine = new Machine();
    const lease = take(machine, owner);
    const before = machine.state.status(NOW);
    expect(machine.state.renew(lease, 60_000, idOf(OTHER, "r"), NOW, OTHER)).toEqual(REFUSED);
    expect(machine.state.convert(lease, READER, idOf(OTHER, "c"), NOW, OTHER)).toEqual(REFUSED);
    expect(machine.state.release(lease, idOf(OTHER, "e"), NOW, OTHER)).toEqual(REFUSED);
    expect(machine.write()).toBe(0);
    expect(machine.state.status(NOW)).toEqual(before);
  });

  it.each([
    ["its own token", ONE],
    ["an admin", ADMIN],
    ["a caller over RPC", undefined],
  ])("A lease of a token can be renewed, converted and released by %s.", (_who, caller) => {
    const machine = new Machine();
    const lease = take(machine, ONE);
    expect(machine.state.renew(lease, 60_000, idOf(caller, "r"), NOW, caller)).toMatchObject({ success: true });
    expect(machine.state.convert(lease, READER, idOf(caller, "c"), NOW, caller)).toMatchObject({ success: true });
    expect(machine.state.release(lease, idOf(caller, "e"), NOW, caller)).toBe(true);
  });

  it("G3 A lease that has ended is dead for every caller.", () => {
    const machine = new Machine();
    const lease = take(machine, ONE);
    machine.state.release(lease, "release", NOW);
    const over = { success: false, reason: "NO_LONGER_VALID", ended: "released" };
    for (const caller of [ONE, OTHER, ADMIN]) {
      expect(machine.state.renew(lease, 60_000, idOf(caller, "r"), NOW, caller)).toEqual(over);
      expect(machine.state.release(lease, idOf(caller, "e"), NOW, caller)).toEqual(over);
    }
  });
});

describe("G5 request ids of tokens", () => {
  it("Leases of different tokens under one request id coexist, and each repeated acquire finds its own.", () => {
    const machine = new Machine();
    const leases = [ONE, OTHER, undefined].map((caller) => take(machine, caller, READER));
    expect(new Set(leases).size).toBe(3);
    expect([ONE, OTHER, undefined].map((caller) => take(machine, caller, READER))).toEqual(leases);
  });

  it("Another token's claim under the same request id is no obstacle, whether it waits or is held.", () => {
    const machine = new Machine();
    take(machine, ONE, READER);
    expect(wait(machine, OTHER, EXCLUSIVE)).toBe(undefined);
    expect(wait(machine, ADMIN, READER)).toBe(undefined);
    expect(machine.state.waiting).toBe(2);
  });

  it("Another token's request under the same id does not end a wait: each is answered for itself.", () => {
    const machine = new Machine();
    const lease = take(machine, undefined);
    wait(machine, ONE);
    expect(machine.state.acquire(request(OTHER), NOW)).toMatchObject({ reason: "BORROWED" });
    wait(machine, OTHER);
    machine.state.release(lease, "release", NOW);
    const { answers } = machine.state.takeEffects();
    expect(answers).toMatchObject([{ requestId: idOf(ONE), reply: { success: true } }]);
  });

  it("A request that has ended is no obstacle to another token's request under the same id.", () => {
    const machine = new Machine();
    machine.state.release(take(machine, ONE), "release", NOW);
    expect(machine.state.acquire(request(ONE), NOW)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(machine.state.acquire(request(OTHER), NOW)).toMatchObject({ success: true });
  });

  it("A renewal by an admin does not swallow the holder's renewal under the same id.", () => {
    const machine = new Machine();
    const lease = take(machine, ONE);
    machine.state.renew(lease, 1_000, idOf(ADMIN), NOW, ADMIN);
    const renewed = machine.state.renew(lease, 60_000, idOf(ONE), NOW, ONE);
    expect(renewed).toMatchObject({ success: true, validFor: 60_000 });
  });

  it("Another token's request under the same id is not taken for a repeated forced release.", () => {
    const machine = new Machine();
    machine.state.forceRelease(idOf(ADMIN), NOW);
    take(machine, ONE);
    const fence = machine.state.forceRelease(idOf(OTHER), NOW);
    expect(machine.state.status(NOW).locked).toBe(false);
    expect(machine.state.forceRelease(idOf(OTHER), NOW)).toBe(fence);
  });
});

describe("Cancellation by tokens", () => {
  it("A cancellation by another token takes back neither a waiter nor a held lease.", () => {
    const machine = new Machine();
    const lease = take(machine, ONE, EXCLUSIVE, "held");
    wait(machine, ONE, EXCLUSIVE, "waits");
    for (const id of ["held", "waits"]) {
      for (let repeated = 0; repeated < 2; repeated += 1)
        expect(machine.state.cancel(idOf(OTHER, id), NOW, OTHER)).toEqual(REFUSED);
    }
    expect(machine.state.status(NOW)).toMatchObject({ holders: [{ lease }], waiters: [{}] });
    expect(machine.state.takeEffects().answers).toEqual([]);
  });

  it("A token can't cancel an RPC caller's request, and an RPC caller can't cancel a token's request.", () => {
    const machine = new Machine();
    const lease = take(machine, undefined);
    expect(machine.state.cancel(idOf(ONE), NOW, ONE)).toEqual(REFUSED);
    wait(machine, ONE, EXCLUSIVE, "waits");
    expect(machine.state.cancel("waits", NOW)).toBe(undefined);
    expect(machine.state.status(NOW)).toMatchObject({ holders: [{ lease }], waiters: [{}] });
  });

  it("A cancellation by an admin takes back a request, no matter whose it is.", () => {
    const machine = new Machine();
    take(machine, ONE, EXCLUSIVE, "held");
    wait(machine, undefined, EXCLUSIVE, "waits");
    expect(machine.state.cancel(idOf(ADMIN, "waits"), NOW, ADMIN)).toBe(undefined);
    expect(machine.state.cancel(idOf(ADMIN, "held"), NOW, ADMIN)).toBe(undefined);
    expect(machine.state.status(NOW)).toMatchObject({ locked: false, waiters: [] });
  });

  it("A cancellation, even if repeated, takes back only the caller's own request under that id.", () => {
    const machine = new Machine();
    const lease = take(machine, ONE);
    wait(machine, ADMIN);
    wait(machine, OTHER);
    for (const caller of [ADMIN, OTHER, ADMIN, OTHER])
      expect(machine.state.cancel(idOf(caller), NOW, caller)).toBe(undefined);
    expect(machine.state.status(NOW)).toMatchObject({ holders: [{ lease }], waiters: [] });
  });

  it("A cancellation of an unknown request is remembered for its own token only.", () => {
    const machine = new Machine();
    machine.state.cancel(idOf(ONE), NOW, ONE);
    const late = (caller: Caller): Decision => machine.state.acquire(request(caller), NOW);
    expect(late(ONE)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(late(OTHER)).toMatchObject({ success: true });
  });
});
