// Passes options to the functions that take them.
import { env } from "cloudflare:workers";
import {
  type AcquireOptions,
  type BarrierOptions,
  type CountDownOptions,
  type HoldOptions,
  type Lock,
  bindLocks,
  lead,
  observe,
  once,
  useBarrier,
  useDurableLock,
  useLatch,
  webLocks,
  withLocks,
} from "durable-locks";
import { type ConnectOptions, connectLocks } from "durable-locks/client";
import { type LockServiceOptions, createLockService } from "durable-locks/service";
import { TOKEN, connection } from "./made.ts";

type Given = Record<string, unknown>;
type Take = (given: Given, id: string) => Promise<unknown>;

const URL_OF_SERVICE = "https://locks.example";
const headers = { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" };

/** `permits` need a capacity. */
const withCapacity = (given: Given): Given => ("permits" in given ? { capacity: 2, ...given } : given);

/** For each kind of options, the call on a lock that takes them. */
const ofLocks: Readonly<Record<string, (lock: Lock, given: Given) => Promise<unknown>>> = {
  AcquireOptions: (lock, given) => lock.acquire(5_000, withCapacity(given)),
  HoldOptions: async (lock, given) => {
    await lock.withLock(() => {}, withCapacity(given));
    return (await lock.hold(withCapacity(given))).release();
  },
  TryOptions: (lock, given) => lock.tryWithLock(() => {}, withCapacity(given)),
  ResumeOptions: async (lock, given) => (await lock.resume(await leaseOf(lock), given)).release(),
  RequestIdOption: async (lock, given) => {
    const lease = await leaseOf(lock);
    return [await lock.renew(lease, 5_000, given), await lock.release(lease, given)];
  },
  RetryOptions: (lock, given) => lock.acquire(5_000, { retry: given, wait: 5_000 }),
  LeadOptions: (lock, given) => lead(lock, () => {}, given),
  ObserveOptions: async (lock, given) => observe(lock, given).next(),
  OnceOptions: (lock, given) => once(lock, () => 1, given),
  WithLocksOptions: (lock, given) => withLocks([lock], () => {}, given),
};

const overRpc: Readonly<Record<string, Take>> = {
  PlacementOptions: (given, id) => bindLocks(env.DURABLE_LOCK, given).lock(id).isLocked(),
  WebLockManagerOptions: (given, id) => webLocks(env.DURABLE_LOCK, given).request(id, () => {}),
  WebLockOptions: (given, id) => webLocks(env.DURABLE_LOCK).request(id, given, () => {}),
  CountDownOptions: (given: CountDownOptions, id) =>
    useLatch(env.DURABLE_RENDEZVOUS, id, { count: 1 }).countDown(given),
  WaitOptions: async (given, id) => {
    await useLatch(env.DURABLE_RENDEZVOUS, `${id}:latch`, { count: 1 }).countDown();
    await useLatch(env.DURABLE_RENDEZVOUS, `${id}:latch`, { count: 1 }).wait(given);
    return useBarrier(env.DURABLE_RENDEZVOUS, `${id}:barrier`, { parties: 1 } satisfies BarrierOptions).arrive(given);
  },
  RequestOptions: (given, id) => env.DURABLE_LOCK.getByName(id).acquire(5_000, withCapacity(given)),
  CallerOption: (given, id) => env.DURABLE_LOCK.getByName(id).acquire(5_000, given),
  ProtocolOption: (given, id) => env.DURABLE_LOCK.getByName(id).acquire(5_000, given),
  ConvertOptions: async (given, id) => {
    const lease = await leaseOf(useDurableLock(env.DURABLE_LOCK, id));
    return env.DURABLE_LOCK.getByName(id).convert(lease, withCapacity(given));
  },
};

const overHttp: Readonly<Record<string, Take>> = {
  WebLockManagerOptions: (given, id) => connection.webLocks(given).request(id, () => {}),
  WebLockOptions: (given, id) => connection.webLocks().request(id, given, () => {}),
  RequestOptions: (given, id) => post(`${id}/acquire`, { ttl: 5_000, ...withCapacity(given) }),
  ConvertOptions: async (given, id) => {
    const lease = await leaseOf(connection.lock(id));
    return post(`${id}/convert`, { lease, ...withCapacity(given) });
  },
  ConnectOptions: async (given, id) => {
    const options: Omit<ConnectOptions, "fetch"> = { url: URL_OF_SERVICE, token: TOKEN };
    return connectLocks({ ...options, ...given }).lock(id).id;
  },
  LockServiceOptions: async (given, id) => {
    const options: LockServiceOptions = { lock: env.DURABLE_LOCK, tokens: TOKEN, ...given };
    const asked = new Request(`${URL_OF_SERVICE}/v1/locks/${id}`, { headers });
    return answerOf(await createLockService(options).fetch(asked));
  },
};

async function post(path: string, body: object): Promise<unknown> {
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  return answerOf(await env.LOCKS.fetch(`${URL_OF_SERVICE}/v1/locks/${path}`, init));
}

async function answerOf(response: Response): Promise<unknown> {
  if (!response.ok) throw new Error(`The service answered ${response.status}: ${await response.text()}`);
  return response.json();
}

async function leaseOf(lock: Lock): Promise<number> {
  const result = await lock.acquire(5_000, {} satisfies AcquireOptions & HoldOptions);
  if (!result.success) throw new Error(result.reason);
  return result.lease;
}

/** What the words of a `@default` stand for; any other default is JavaScript. */
const WORDS: Readonly<Record<string, () => unknown>> = {
  none: () => undefined,
  "a random id": () => crypto.randomUUID(),
  "the global fetch": () => fetch,
  "near the first caller": () => undefined,
  Infinity: () => Number.POSITIVE_INFINITY,
};

const valueOf = (text: string): unknown => (WORDS[text] ?? (() => JSON.parse(text) as unknown))();

/** Passes an option its default, and `undefined`, over each transport that has it; returns what went wrong. */
export async function passDefault(type: string, option: string, byDefault: string): Promise<string[]> {
  const takes = takesOf(type);
  if (takes.length === 0) return ["no function takes it here: add one to test/integration/isolate/options.ts"];
  const faults: string[] = [];
  for (const [how, take] of takes)
    for (const text of new Set([byDefault, "none"]))
      try {
        refusalIn(await take({ [option]: valueOf(text) }, `${how}:${type}:${option}:${text}`));
      } catch (error) {
        faults.push(`${text} ${how}: ${String(error)}`);
      }
  return faults;
}

function takesOf(type: string): [string, Take][] {
  const onLock = ofLocks[type];
  const rpc = onLock
    ? (given: Given, id: string) => onLock(useDurableLock(env.DURABLE_LOCK, id), given)
    : overRpc[type];
  const http = onLock ? (given: Given, id: string) => onLock(connection.lock(id), given) : overHttp[type];
  return [
    ...(rpc ? [["over RPC", rpc] as [string, Take]] : []),
    ...(http ? [["over HTTP", http] as [string, Take]] : []),
  ];
}

/** Throws a refusal that was returned and not thrown. */
function refusalIn(result: unknown): void {
  for (const one of Array.isArray(result) ? (result as unknown[]) : [result])
    if (typeof one === "object" && one !== null && "reason" in one) throw new Error(JSON.stringify(one));
}
