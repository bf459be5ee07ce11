import { parseArgs } from "node:util";
import { connectLocks, isLockError } from "../../src/client.ts";
import { Service } from "../cli/service.ts";
import { Arbiter } from "./arbiter.ts";
import { Memory } from "./memory.ts";

// Many HTTP clients on fewer locks, against the service on local workerd with its storage on disk.
const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    clients: { type: "string", default: "500" },
    ids: { type: "string", default: "100" },
  },
});
const [seconds, clients, ids] = [values.seconds, values.clients, values.ids].map(Number) as [number, number, number];
const TOKEN = "token-of-the-load-test";

await using service = await Service.start(TOKEN);
const { lock } = connectLocks({ url: service.url, token: TOKEN });
const arbiter = new Arbiter();
const waits: number[] = [];
const errors = new Map<string, number>();
const memory = { workerd: new Memory(service.workerd), clients: new Memory(process.pid) };
const until = performance.now() + seconds * 1_000;

async function client(): Promise<void> {
  while (performance.now() < until) {
    const id = `load/${Math.floor(Math.random() * ids)}`;
    const asked = performance.now();
    try {
      await lock(id).withLock(
        async ({ lease }) => {
          waits.push(performance.now() - asked);
          arbiter.enter(id, lease);
          await new Promise((resolve) => setTimeout(resolve, 10 * Math.random()));
          arbiter.leave(id);
        },
        { wait: 30_000, ttl: 30_000 },
      );
    } catch (error) {
      arbiter.leave(id);
      const kind = isLockError(error) ? error.code : String(error);
      errors.set(kind, (errors.get(kind) ?? 0) + 1);
    }
  }
}

await Promise.all(Array.from({ length: clients }, client));
const left = await Promise.all(Array.from({ length: ids }, (_, index) => lock(`load/${index}`).status()));
const kept = left.filter(({ locked, waiters }) => locked || waiters.length > 0).length;

waits.sort((one, other) => one - other);
const percentile = (part: number) => Math.round(waits[Math.floor(waits.length * part)] ?? 0);
const [workerd, own] = [memory.workerd.stop(), memory.clients.stop()];
console.log(`${clients} clients, ${ids} ids, ${seconds} s: ${arbiter.sections} critical sections`);
console.log(`waited: median ${percentile(0.5)} ms, 99 % ${percentile(0.99)} ms, longest ${percentile(0.99999)} ms`);
console.log(
  `overlaps ${arbiter.overlaps}, leases out of order ${arbiter.stale}, locks left taken or queued for ${kept}`,
);
console.log("errors:", Object.fromEntries(errors));
console.log(
  `memory, after warm-up and at the end: workerd ${workerd.warm} and ${workerd.end} MB, clients ${own.warm} and ${own.end} MB`,
);
// Contention is no error. A tenth is more than the noise of a garbage collector, and less than a leak of a minute.
const others = [...errors.keys()].filter((kind) => kind !== "LOCK_TIMEOUT");
const isFlat = workerd.end < workerd.warm * 1.1;
process.exitCode = arbiter.overlaps + arbiter.stale + kept + others.length === 0 && isFlat ? 0 : 1;
