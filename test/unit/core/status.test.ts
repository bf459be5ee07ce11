import { expect, it } from "vitest";
import { Machine, NOW } from "./machine.ts";

it("The status never shows a renewal in the future, even if the clock stepped back before a restart.", () => {
  const machine = new Machine();
  const lease = machine.acquire(NOW, { ttl: 60_000 });
  machine.state.renew(lease, 80_000, "renewal", NOW + 1_000);
  machine.write();
  const back = NOW - 3_600_000;
  machine.restart(back);
  expect(machine.state.status(back + 10).holders).toMatchObject([{ ttl: 80_000, renewedAt: back }]);
});
