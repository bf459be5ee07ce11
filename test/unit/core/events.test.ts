import { describe, expect, it } from "vitest";
import { Machine, NOW, ONE_OF_TWO, PLAIN, READER } from "./machine.ts";

const REQUEST = { ...PLAIN, lockDelay: 0 };

/** The events since the last time. */
const happened = (machine: Machine) => {
  machine.write();
  return machine.events.splice(0).map(({ what }) => what);
};

describe("Lock events", () => {
  it("A hand-off is reported in order: released, granted, dequeued.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW);
    machine.state.enqueue({ ...REQUEST, wait: 20_000, requestId: "next" }, NOW);
    expect(happened(machine)).toEqual(["granted", "queued"]);
    machine.state.release(lease, "release", NOW);
    expect(happened(machine)).toEqual(["released", "granted", "dequeued"]);
  });

  it("A forced release is reported as the end of each holder's lease, and not as a lease of its own.", () => {
    const machine = new Machine();
    for (const _ of [1, 2]) machine.acquire(NOW, READER);
    happened(machine);
    machine.forceRelease(NOW);
    expect(happened(machine)).toEqual(["superseded", "superseded"]);
  });

  it("The end of a lock-delay is reported, whether its time runs out or a forced release ends it.", () => {
    const machine = new Machine();
    for (const end of [() => machine.state.wake(NOW + 60_000), () => machine.forceRelease(NOW + 70_000)]) {
      machine.acquire(NOW + 60_000 * Number(machine.events.length > 0), { ...ONE_OF_TWO, lockDelay: 5_000 });
      machine.state.wake(NOW + 2_000);
      machine.state.wake(NOW + 62_000);
      end();
      expect(happened(machine)).toContain("delayEnded");
    }
  });

  it("A change of a lease is reported once, and its repetition is not.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, READER);
    happened(machine);
    for (const expected of [["renewed"], []]) {
      machine.state.renew(lease, 5_000, "renewal", NOW);
      expect(happened(machine)).toEqual(expected);
    }
    for (const expected of [["converted"], []]) {
      machine.state.convert(lease, ONE_OF_TWO, "conversion", NOW);
      expect(happened(machine)).toEqual(expected);
    }
    for (const expected of [["releaseRequested"], []]) {
      machine.state.requestRelease("ask", NOW);
      expect(happened(machine)).toEqual(expected);
    }
  });

  it("A call that changes nothing, a refusal and a start from storage report no events.", () => {
    const machine = new Machine();
    const lease = machine.acquire(NOW, { requestId: "same" });
    happened(machine);
    machine.acquire(NOW, { requestId: "same" });
    machine.acquire(NOW);
    machine.state.convert(lease + 1, READER, "convert", NOW);
    machine.state.renew(lease, 1_000, "as it is", NOW);
    machine.state.wake(NOW);
    expect(happened(machine)).toEqual([]);
    machine.restart(NOW + 2_000);
    expect(happened(machine)).toEqual([]);
  });

  it("Events never contain a request id.", () => {
    const machine = new Machine();
    machine.acquire(NOW, { requestId: "secret" });
    machine.state.enqueue({ ...REQUEST, wait: 20_000, requestId: "secret too" }, NOW);
    machine.state.cancel("secret", NOW);
    machine.write();
    expect(JSON.stringify(machine.events)).not.toContain("secret");
  });
});
