import { describe, expect, it } from "vitest";
import { isLeaseNumber, nextLeaseNumber } from "../../../../src/core/leases/lease.ts";
import { SteadyClock } from "../../../../src/core/steady-clock.ts";

describe("G2 lease numbers", () => {
  it.each([0, -5, 1.5, Number.NaN, Number.MAX_SAFE_INTEGER, "7", undefined])("%s is not a lease number.", (value) => {
    expect(isLeaseNumber(value)).toBe(false);
  });

  it("Lease numbers range from 1 to a limit that leaves room to grow.", () => {
    const highest = Number.MAX_SAFE_INTEGER - 1e12;
    expect([1, highest, highest + 1].map(isLeaseNumber)).toEqual([true, true, false]);
  });

  it("Lease numbers follow the clock in microseconds.", () => {
    expect(nextLeaseNumber(0, 1_800_000_000_000)).toBe(1_800_000_000_000_000);
  });

  it("Lease numbers grow by one within a millisecond, and when the clock stands still or steps back.", () => {
    expect(nextLeaseNumber(1_800_000_000_000_000, 1_800_000_000_000)).toBe(1_800_000_000_000_001);
    expect(nextLeaseNumber(1_800_000_000_000_000, 5)).toBe(1_800_000_000_000_001);
  });

  it("Lease numbers stay safe integers when the clock is beyond them or has fractions.", () => {
    expect(nextLeaseNumber(7, Number.MAX_SAFE_INTEGER)).toBe(8);
    expect(nextLeaseNumber(7, 1.2345)).toBe(1_234);
  });
});

describe("Steady clock", () => {
  it("The steady clock follows the wall clock.", () => {
    const clock = new SteadyClock();
    expect([clock.read(10), clock.read(20), clock.read(1_000_000)]).toEqual([10, 20, 1_000_000]);
  });

  it("The steady clock keeps its pace each time the wall clock steps back.", () => {
    const clock = new SteadyClock();
    expect([clock.read(1_000), clock.read(100), clock.read(150), clock.read(50), clock.read(60)]).toEqual([
      1_000, 1_000, 1_050, 1_050, 1_060,
    ]);
  });
});
