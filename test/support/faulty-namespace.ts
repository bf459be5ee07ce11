import { env } from "cloudflare:workers";
import type { DurableLock } from "../../src/index.ts";

/** Decides what happens to one call: runs it or not, and answers or fails as a network does. */
export type Fault = (method: string, run: () => Promise<unknown>, args: unknown[]) => Promise<unknown>;

export interface Calls {
  method: string;
  args: unknown[];
}

/** The real namespace behind a network that behaves as `fault` says. `calls` lists what was sent. */
export function faultyNamespace<T extends Rpc.DurableObjectBranded = DurableLock>(
  fault: Fault,
  real = env.DURABLE_LOCK as unknown as DurableObjectNamespace<T>,
): { namespace: DurableObjectNamespace<T>; calls: Calls[] } {
  const calls: Calls[] = [];
  const wrap = (stub: DurableObjectStub<T>) =>
    new Proxy(stub, {
      get(target, property) {
        const method = String(property);
        // Call the method on the stub itself: an RPC method that is read first and called later loses its receiver.
        return (...args: unknown[]) => {
          calls.push({ method, args });
          const run = () =>
            (target as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[method]!(...args);
          return fault(method, run, args);
        };
      },
    });
  const namespace = new Proxy(real, {
    get: (target, property) => {
      if (property === "getByName") return (name: string) => wrap(target.getByName(name));
      const member: unknown = Reflect.get(target, property, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  return { namespace, calls };
}

/** What the platform throws when a connection breaks. */
export function connectionLost(): Error {
  return Object.assign(new Error("Network connection lost."), { retryable: true, remote: true });
}

/** What the platform throws when an object has too much to do. Retrying makes it worse. */
export function overloaded(): Error {
  return Object.assign(new Error("Durable Object is overloaded."), { retryable: true, overloaded: true, remote: true });
}

/** Fails calls of a method in a way that no retry can fix. `reach` says whether the calls still arrive. */
export function failing(failed: string, reach: boolean): Fault {
  return async (method, run) => {
    if (method !== failed) return run();
    if (reach) await run();
    throw new Error("a fault that is not worth repeating");
  };
}

/** Runs each call, but loses the first `times` replies of each method. */
export function losingReplies(methods: string[], times = 1): Fault {
  const lost = new Map<string, number>();
  return async (method, run) => {
    const reply = await run();
    const count = lost.get(method) ?? 0;
    if (!methods.includes(method) || count >= times) return reply;
    lost.set(method, count + 1);
    throw connectionLost();
  };
}

/** Never answers calls of the given methods. `reach` says whether the calls still arrive. */
export function silent(methods: string[], reach: boolean): Fault {
  return async (method, run) => {
    if (!methods.includes(method)) return run();
    if (reach) await run();
    return new Promise(() => {});
  };
}

/** Loses the first reply to each request, so every request has to be sent twice. */
export function losingFirstReplies(): Fault {
  const seen = new Set<string>();
  return async (method, run, args) => {
    const named = args.find(
      (arg): arg is { requestId: string } => typeof arg === "object" && arg !== null && "requestId" in arg,
    );
    const request = `${method} ${named?.requestId ?? JSON.stringify(args)}`;
    const reply = await run();
    if (seen.has(request)) return reply;
    seen.add(request);
    throw connectionLost();
  };
}
