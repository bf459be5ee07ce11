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

describe("a lease belongs to the name of the token that took it", () => {
  it.each([
    ["of a token", ONE],
    ["taken over RPC", undefined],
  ])("one %s can't be renewed, converted or released by another token, and is as it was", (_what, owner) => {
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
  ])("%s renews, converts and releases it", (_who, caller) => {
    const machine = new Machine();
    const lease = take(machine, ONE);
    expect(machine.state.renew(lease, 60_000, idOf(caller, "r"), NOW, caller)).toMatchObject({ success: true });
    expect(machine.state.convert(lease, READER, idOf(caller, "c"), NOW, caller)).toMatchObject({ success: true });
    expect(machine.state.release(lease, idOf(caller, "e"), NOW, caller)).toBe(true);
  });

  it("G3 one that has ended is over for everybody", () => {
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

describe("G5 a request id is looked up together with the name of its token", () => {
  it("so that leases of one id stand beside each other, and each repeat finds its own", () => {
    const machine = new Machine();
    const leases = [ONE, OTHER, undefined].map((caller) => take(machine, caller, READER));
    expect(new Set(leases).size).toBe(3);
    expect([ONE, OTHER, undefined].map((caller) => take(machine, caller, READER))).toEqual(leases);
  });

  it("so that another's claim under that id is no obstacle, waiting or held", () => {
    const machine = new Machine();
    take(machine, ONE, READER);
    expect(wait(machine, OTHER, EXCLUSIVE)).toBe(undefined);
    expect(wait(machine, ADMIN, READER)).toBe(undefined);
    expect(machine.state.waiting).toBe(2);
  });

  it("so that another's request of that id does not cut a wait: each is answered for itself", () => {
    const machine = new Machine();
    const lease = take(machine, undefined);
    wait(machine, ONE);
    expect(machine.state.acquire(request(OTHER), NOW)).toMatchObject({ reason: "BORROWED" });
    wait(machine, OTHER);
    machine.state.release(lease, "release", NOW);
    const { answers } = machine.state.takeEffects();
    expect(answers).toMatchObject([{ requestId: idOf(ONE), reply: { success: true } }]);
  });

  it("so that one that has ended is no obstacle to another's", () => {
    const machine = new Machine();
    machine.state.release(take(machine, ONE), "release", NOW);
    expect(machine.state.acquire(request(ONE), NOW)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(machine.state.acquire(request(OTHER), NOW)).toMatchObject({ success: true });
  });

  it("also of renewals: an admin's does not swallow the holder's", () => {
    const machine = new Machine();
    const lease = take(machine, ONE);
    machine.state.renew(lease, 1_000, idOf(ADMIN), NOW, ADMIN);
    const renewed = machine.state.renew(lease, 60_000, idOf(ONE), NOW, ONE);
    expect(renewed).toMatchObject({ success: true, validFor: 60_000 });
  });

  it("also of forced releases: another's request of that id does not stand for one", () => {
    const machine = new Machine();
    machine.state.forceRelease(idOf(ADMIN), NOW);
    take(machine, ONE);
    const fence = machine.state.forceRelease(idOf(OTHER), NOW);
    expect(machine.state.status(NOW).locked).toBe(false);
    expect(machine.state.forceRelease(idOf(OTHER), NOW)).toBe(fence);
  });
});

describe("a cancellation", () => {
  it("by another token takes back neither what waits nor what is held", () => {
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

  it("by another token takes back nothing that was taken over RPC, and over RPC nothing of a token", () => {
    const machine = new Machine();
    const lease = take(machine, undefined);
    expect(machine.state.cancel(idOf(ONE), NOW, ONE)).toEqual(REFUSED);
    wait(machine, ONE, EXCLUSIVE, "waits");
    expect(machine.state.cancel("waits", NOW)).toBe(undefined);
    expect(machine.state.status(NOW)).toMatchObject({ holders: [{ lease }], waiters: [{}] });
  });

  it("by an admin takes it back, no matter whose it is", () => {
    const machine = new Machine();
    take(machine, ONE, EXCLUSIVE, "held");
    wait(machine, undefined, EXCLUSIVE, "waits");
    expect(machine.state.cancel(idOf(ADMIN, "waits"), NOW, ADMIN)).toBe(undefined);
    expect(machine.state.cancel(idOf(ADMIN, "held"), NOW, ADMIN)).toBe(undefined);
    expect(machine.state.status(NOW)).toMatchObject({ locked: false, waiters: [] });
  });

  it("takes back one's own first, and leaves another's of that id alone, repeated too", () => {
    const machine = new Machine();
    const lease = take(machine, ONE);
    wait(machine, ADMIN);
    wait(machine, OTHER);
    for (const caller of [ADMIN, OTHER, ADMIN, OTHER])
      expect(machine.state.cancel(idOf(caller), NOW, caller)).toBe(undefined);
    expect(machine.state.status(NOW)).toMatchObject({ holders: [{ lease }], waiters: [] });
  });

  it("of what is unknown is remembered for that token alone", () => {
    const machine = new Machine();
    machine.state.cancel(idOf(ONE), NOW, ONE);
    const late = (caller: Caller): Decision => machine.state.acquire(request(caller), NOW);
    expect(late(ONE)).toMatchObject({ reason: "NO_LONGER_VALID" });
    expect(late(OTHER)).toMatchObject({ success: true });
  });
});
