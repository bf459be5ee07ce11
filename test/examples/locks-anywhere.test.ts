import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { changeTemplate, sendMail } from "../../examples/locks-anywhere.ts";
import { type Locks, bindLocks } from "../../src/index.ts";
import { connectOver } from "../support/http.ts";
import { sleep } from "../support/locks.ts";

const CONNECTED: Record<string, () => Locks> = {
  "in a Worker": () => bindLocks(env.DURABLE_LOCK),
  "over HTTP": () => connectOver(),
};

it.each(Object.keys(CONNECTED))("The example that takes Locks runs %s.", async (where) => {
  const locks = (CONNECTED[where] as () => Locks)();
  let sending = 0;
  let most = 0;
  const send = async () => {
    most = Math.max(most, (sending += 1));
    await sleep(5);
    sending -= 1;
    return "sent";
  };
  const mails = Array.from({ length: 12 }, () => sendMail(locks, send));
  expect(await Promise.all(mails)).toEqual(Array(12).fill("sent"));
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(5);
  expect(await changeTemplate(locks, async () => expect(sending).toBe(0))).toBe(true);
});

it("The example's Worker and script share the permits, and the change does not wait for long.", async () => {
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const mail = sendMail(bindLocks(env.DURABLE_LOCK), () => (start(), done));
  await started;
  expect(await changeTemplate(connectOver(), async () => {}, 50)).toBe(false);
  finish();
  await mail;
  expect(await changeTemplate(connectOver(), async () => {})).toBe(true);
});
