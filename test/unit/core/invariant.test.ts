import { afterEach, describe, expect, it, vi } from "vitest";
import { InvariantError } from "../../../src/core/invariant.ts";
import type { Claim } from "../../../src/core/leases/lease.ts";
import * as numbers from "../../../src/core/leases/lease.ts";
import { LiveLeases } from "../../../src/core/leases/live-leases.ts";
import { Occupancy } from "../../../src/core/leases/occupancy.ts";
import { type Slot, Slots } from "../../../src/core/leases/slots.ts";
import { EXCLUSIVE, Machine, NOW, ONE_OF_TWO, READER } from "./machine.ts";

afterEach(() => void vi.restoreAllMocks());

/** Plants a fault: the admission rule admits everything. */
const admitAll = () => void vi.spyOn(LiveLeases.prototype, "admits").mockReturnValue(true);

describe("G1 a faulty admission rule", () => {
  it.each<[string, Claim, Claim]>([
    ["an exclusive lease beside an exclusive one", EXCLUSIVE, EXCLUSIVE],
    ["an exclusive lease beside a shared one", READER, EXCLUSIVE],
    ["a shared lease beside an exclusive one", EXCLUSIVE, READER],
    ["more permits than the capacity has", { ...ONE_OF_TWO, permits: 2 }, ONE_OF_TWO],
  ])("An admission rule that admits everything still grants nothing: %s.", (_what, first, second) => {
    const machine = new Machine();
    machine.acquire(NOW, first);
    admitAll();
    expect(() => machine.acquire(NOW, second)).toThrow(InvariantError);
  });

  it("An admission rule that admits everything grants nothing beside a lease whose lock-delay has not ended.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { lockDelay: 5_000 });
    machine.state.wake(NOW + 2_000);
    admitAll();
    expect(() => machine.acquire(NOW + 2_000, READER)).toThrow(
      "A shared lease was granted although an exclusive lease blocks it.",
    );
  });

  it("An admission rule that admits everything converts no lease.", () => {
    const machine = new Machine();
    machine.acquire(NOW, READER);
    const lease = machine.acquire(NOW, READER);
    admitAll();
    expect(() => machine.state.convert(lease, EXCLUSIVE, "convert", NOW)).toThrow(InvariantError);
  });
});

describe("Other faults of the lock", () => {
  it("G2 A fault in the numbering grants nothing: the lease number would not grow.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, READER);
    vi.spyOn(Math, "floor").mockReturnValue(Number.NaN);
    const isNumber = vi.spyOn(Number, "isSafeInteger").mockReturnValue(false);
    expect(numbers.nextLeaseNumber(lease, NOW)).toBe(lease + 1);
    expect(() => machine.acquire(NOW, READER)).toThrow("A new lease number is not above the previous one.");
    isNumber.mockRestore();
  });

  it("G3 A fault that frees the row of a live lease grants nothing.", () => {
    const machine = new Machine();
    machine.acquire(NOW);
    const { lease } = machine.disk.get(0) as Slot;
    const slots = new Slots();
    slots.free(slots.place(lease));
    expect(() => slots.place(lease)).toThrow("A row was reused although its lease has not ended.");
  });

  it("G3 A fault that frees the row of a lease in its lock-delay grants nothing.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { ...ONE_OF_TWO, lockDelay: 5_000 });
    const linger = vi.spyOn(LiveLeases.prototype, "linger");
    const free = vi.spyOn(Slots.prototype, "free");
    machine.state.wake(NOW + 2_000);
    const [slot] = linger.mock.calls[0] as [Slot];
    vi.spyOn(LiveLeases.prototype, "lingers").mockImplementation((other) => other === slot);
    machine.state.wake(NOW + 6_000);
    expect(free).toHaveBeenCalledWith(slot);
    expect(() => machine.acquire(NOW + 6_000)).toThrow("A row was reused before the lock-delay of its lease ended.");
  });

  it("G3 A fault that leaves a dead lease among the live ones lets it be neither renewed nor released.", () => {
    const machine = new Machine();
    const add = vi.spyOn(LiveLeases.prototype, "add");
    const lease = machine.acquire(NOW, READER);
    const [slot] = add.mock.calls[0] as [Slot];
    slot.end = { requestId: "", lease, how: "released" };
    expect(() => machine.state.renew(lease, 1_000, "renew", NOW)).toThrow(
      "A lease that has ended still counts as live.",
    );
    vi.spyOn(LiveLeases.prototype, "delete").mockReturnValue();
    expect(() => machine.state.release(lease, "release", NOW)).toThrow("A lease that has ended still counts as live.");
  });
});

describe("G1 states that no invariant forbids", () => {
  it("A capacity that changes from 2 to 10 and back may leave the capacity of older leases exceeded.", () => {
    const machine = new Machine();
    const of = (capacity: number) => machine.acquire(NOW, { exclusive: false, permits: 1, capacity, ttl: 60_000 });
    const leases = [of(2), of(2), ...Array.from({ length: 8 }, () => of(10))];
    expect(leases.every((lease) => lease > 0)).toBe(true);
    expect([of(10), of(2)]).toEqual([0, 0]);
    for (const lease of leases.slice(0, 8)) machine.state.release(lease, "release", NOW);
    expect(of(2)).toBe(0);
    machine.state.release(leases[8] as number, "release", NOW);
    expect([of(2) > 0, of(2)]).toEqual([true, 0]);
  });

  it("A lease converted to a capacity of 1 does not stop a later request with a capacity of 2.", () => {
    const machine = new Machine();
    const [first, second] = [machine.acquire(NOW, ONE_OF_TWO), machine.acquire(NOW, ONE_OF_TWO)] as const;
    const one = { ...ONE_OF_TWO, capacity: 1 };
    expect(machine.state.convert(first, one, "too small", NOW)).toMatchObject({ reason: "BORROWED" });
    machine.state.release(second, "release", NOW);
    expect(machine.state.convert(first, one, "small", NOW)).toMatchObject({ success: true });
    expect(machine.acquire(NOW, ONE_OF_TWO)).toBeGreaterThan(0);
  });

  it.each<[string, Partial<Claim>[]]>([
    ["two exclusive leases", [EXCLUSIVE, EXCLUSIVE]],
    ["an exclusive lease and a shared one", [EXCLUSIVE, READER]],
    [
      "more permits than any capacity",
      [
        { ...ONE_OF_TWO, permits: 7 },
        { ...ONE_OF_TWO, permits: 9e15 },
      ],
    ],
  ])("No damage in storage breaks an invariant: %s.", (_what, claims) => {
    const machine = new Machine();
    const healthy = machine.acquire(NOW, { ...READER, ttl: 10_000 });
    const stored = machine.disk.get(0) as Slot;
    for (const [index, claim] of claims.entries())
      machine.disk.set(
        index,
        structuredClone({ ...stored, index, lease: { ...stored.lease, ...claim, lease: healthy + index } }),
      );
    machine.restart(NOW);
    for (const { lease } of machine.state.status(NOW).holders)
      expect(machine.state.renew(lease, 10_000, `renew ${lease}`, NOW)).toMatchObject({ success: true });
    for (const capacity of [2, 4, 1_000, Infinity]) machine.acquire(NOW, { ...ONE_OF_TWO, capacity, ttl: 1_000 });
    machine.acquire(NOW);
    for (const { lease } of machine.state.status(NOW).holders) machine.state.release(lease, "release", NOW);
    expect(machine.acquire(NOW)).toBeGreaterThan(healthy);
  });
});

describe("Occupancy", () => {
  it("The occupancy is exact beyond the safe integers, and starts again from nothing when it is cleared.", () => {
    const occupancy = new Occupancy();
    const huge = { exclusive: false, permits: Number.MAX_SAFE_INTEGER, capacity: Infinity };
    const claims = [huge, { ...huge, permits: 3 }, huge];
    for (const claim of claims) occupancy.add(claim);
    for (const claim of claims) occupancy.remove(claim);
    occupancy.add(ONE_OF_TWO);
    expect(occupancy.hasRoomFor(ONE_OF_TWO)).toBe(true);
    expect(occupancy.hasRoomFor({ ...ONE_OF_TWO, capacity: 1 })).toBe(false);
    occupancy.add(EXCLUSIVE);
    expect(occupancy.hasRoomFor(ONE_OF_TWO)).toBe(false);
    occupancy.clear();
    expect(occupancy.hasRoomFor(EXCLUSIVE)).toBe(true);
  });
});
