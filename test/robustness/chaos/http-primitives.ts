import type { LockPrimitives } from "../../../src/transport/primitives.ts";

/** The primitives over HTTP: a connection that breaks is the fault that the platform would make of it. */
export function httpPrimitives(origin: string, id: string): LockPrimitives {
  const call = async <T>(method: string, ...args: unknown[]): Promise<T> => {
    const body = JSON.stringify({ id, method, args });
    const response = await fetch(origin, { method: "POST", body })
      .then((answer) => answer.text())
      .catch((cause: unknown) => {
        throw Object.assign(new Error("Network connection lost.", { cause }), { retryable: true });
      });
    const { reply, fault } = JSON.parse(response) as { reply: T; fault?: { message: string } };
    if (fault) throw Object.assign(new Error(fault.message), fault);
    return reply;
  };
  return {
    id,
    key: id,
    acquire: (request) => call("acquire", request),
    renew: (...args) => call("renew", ...args),
    convert: (...args) => call("convert", ...args),
    release: (...args) => call("release", ...args),
    cancel: (...args) => call("cancel", ...args),
    isLocked: () => call("isLocked"),
    status: () => call("status"),
    watch: (...args) => call("watch", ...args),
    forceRelease: (...args) => call("forceRelease", ...args),
    requestRelease: (...args) => call("requestRelease", ...args),
  };
}
