// A lease and its signal belong to the request that took the lease. These tests use them in another request.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Isolate } from "./isolate.ts";
import type { Outcome, Transport } from "./kept.ts";

let isolate: Isolate;
before(async () => {
  isolate = await Isolate.start();
});
after(() => isolate?.[Symbol.asyncDispose]());

const TRANSPORTS: Transport[] = ["rpc", "http"];

function assertRefused(outcomes: Record<string, Outcome>): void {
  const others = Object.entries(outcomes).filter(([, { code }]) => code !== "WRONG_REQUEST");
  assert.deepEqual(Object.fromEntries(others), {});
  assert.match(outcomes["release"]?.message ?? "", /^Lease \d+ .*resume/);
  assert.match(outcomes["hold with its signal"]?.message ?? "", /signal/);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition()));
}

for (const via of TRANSPORTS) {
  test(`A later request that uses what an ended request left behind gets WRONG_REQUEST for each use, over ${via}.`, async () => {
    const id = `later:${via}`;
    await isolate.ask(`/leave-behind?via=${via}&id=${id}`);
    assertRefused(await isolate.ask(`/use?via=${via}&id=${id}`));
    assert.deepEqual(await isolate.ask(`/number?via=${via}&id=${id}`), {
      deadline: { value: "number" },
      resume: { value: false },
      release: { value: true },
    });
  });

  test(`A request that uses what another request still holds gets WRONG_REQUEST and spoils nothing, over ${via}.`, async () => {
    const id = `beside:${via}`;
    const first = isolate.ask(`/leave-behind?via=${via}&id=${id}&stay`);
    first.catch(() => {});
    await until(() => isolate.ask(`/left-behind?id=${id}`));
    assertRefused(await isolate.ask(`/use?via=${via}&id=${id}`));
    await isolate.ask(`/end?id=${id}`);
    const onExit = via === "rpc" ? { releaseOnExit: true } : {};
    assert.deepEqual(await first, { released: true, ...onExit, locked: false });
  });
}

test("The calls of one Durable Object can share a lease.", async () => {
  assert.equal(await isolate.ask("/object?id=keeper"), true);
});
