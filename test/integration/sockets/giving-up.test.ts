import { once } from "node:events";
import { spawn } from "node:child_process";
import { type AddressInfo, type Server, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** A server that takes every request and answers none. */
let silence: Server;
let asked = 0;
beforeAll(async () => {
  silence = createServer((socket) => socket.on("error", () => {}).once("data", () => (asked += 1)));
  silence.listen(0, "127.0.0.1");
  await once(silence, "listening");
});
afterAll(() => void silence.close());

/** How long a process lives on after its call was aborted while waiting, or failed without an abort. */
async function livesOn(call: string, isGivenUp: boolean): Promise<number> {
  const before = asked;
  const url = `http://127.0.0.1:${(silence.address() as AddressInfo).port}`;
  const child = spawn(process.execPath, [join(import.meta.dirname, "abandoned.ts"), url, "a-token", call], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += String(chunk)));
  const closed = once(child, "close");
  await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThan(before);
  if (isGivenUp) child.stdin.write("now");
  await closed;
  return (JSON.parse(output) as { after: number }).after;
}

describe("A process whose last call has ended at a hung service", () => {
  it.each(["acquire", "withLock", "hold", "withLocks", "lead", "observe"])(
    "G8: After its call is aborted, the process ends within a second: %s.",
    async (call) => {
      expect(await livesOn(call, true)).toBeLessThan(1_000);
    },
  );

  it("G8: After a webLocks request is aborted, the process ends once the request is taken back, within 2 s.", async () => {
    expect(await livesOn("request of webLocks", true)).toBeLessThan(2_000);
  });

  it.each(["status", "forceRelease"])(
    "G8: After its call times out, the process ends within a second: %s.",
    async (call) => {
      expect(await livesOn(call, false)).toBeLessThan(1_000);
    },
  );
});
