import { expect, it } from "vitest";
import { Machine, NOW } from "./machine.ts";

it("a renewal is never in the future, though the clock stepped back while the object was away", () => {
  const machine = new Machine();
  const lease = machine.acquire(NOW, { ttl: 60_000 });
  machine.state.renew(lease, 80_000, "renewal", NOW + 1_000);
  machine.write();
  const back = NOW - 3_600_000;
  machine.restart(back);
  expect(machine.state.status(back + 10).holders).toMatchObject([{ ttl: 80_000, renewedAt: back }]);
});
