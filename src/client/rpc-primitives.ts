import type { Claim } from "../core/lease.ts";
import type { AcquireReply, RefusalReply } from "../core/replies.ts";
import type { LockRequest, RequestOptions } from "../core/request.ts";
import type { DurableLock } from "../object/durable-lock.ts";
import { checkNamespace } from "./options.ts";
import type { Binding, LockPrimitives } from "./primitives.ts";
import { heard } from "./rpc-call.ts";

/** The primitives over RPC. A stub a call: many exceptions break the stub they came through for good. */
export function rpcPrimitives(namespace: DurableObjectNamespace<DurableLock>, id: string): LockPrimitives {
  checkNamespace(namespace, "DurableLock");
  const stub = () => namespace.getByName(id);
  return {
    id,
    get key() {
      return namespace.idFromName(id).toString();
    },
    acquire: (request, signal) =>
      request.wait === 0 ? heard(stub().acquire(...sent(request)), signal) : parkedAcquire(stub(), request, signal),
    renew: (lease, ttl, requestId, signal) => heard(stub().renew(lease, ttl, { requestId }), signal),
    convert: (lease, claim, requestId, signal) =>
      heard(stub().convert(lease, { ...claimed(claim), requestId }), signal),
    release: (lease, requestId, result, signal) =>
      heard(stub().release(lease, { requestId, ...(result && { result }) }), signal),
    cancel: (requestId, signal) => heard(stub().cancel(requestId), signal),
    isLocked: (signal) => heard(stub().isLocked(), signal),
    status: (signal) => heard(stub().status(), signal),
    watch: (known, wait, signal) => heard(stub().watch(known, wait), signal),
    forceRelease: (requestId, signal) => heard(stub().forceRelease({ requestId }), signal),
    requestRelease: (requestId, signal) => heard(stub().requestRelease({ requestId }), signal),
    bind: (lease, signal) => bind(stub(), lease, signal),
  };
}

async function bind(
  stub: DurableObjectStub<DurableLock>,
  lease: number,
  signal: AbortSignal | undefined,
): Promise<Binding | RefusalReply> {
  const bond = await heard(stub.bind(lease), signal);
  if (!("tie" in bond)) return bond;
  return {
    success: true,
    next: async (told) => bond.news.next(told),
    [Symbol.dispose]: () => disposable(bond)[Symbol.dispose](),
  };
}

/** Waits with a ticket, pipelined into one round trip: if this context dies, the object drops the waiter at once. */
async function parkedAcquire(
  stub: DurableObjectStub<DurableLock>,
  request: LockRequest,
  signal: AbortSignal | undefined,
): Promise<AcquireReply> {
  const pending = stub.enqueue(...sent(request));
  // Heard as well: if the object is reset before it answers, the ticket rejects beside the turn that is waited for.
  const received = Promise.resolve(pending).catch(() => undefined);
  try {
    // An instrumented stub may hand out an ordinary promise, on which nothing can be pipelined.
    const granted = async () => (pending.turn === undefined ? await pending : pending).turn.granted();
    return await heard(granted(), signal);
  } finally {
    void received.then((ticket) => ticket && disposable(ticket)[Symbol.dispose]());
    if (pending.turn !== undefined) disposable(pending)[Symbol.dispose]();
  }
}

/** The runtime's promise for a ticket can be disposed like the ticket; its type does not say so. */
function disposable<T>(pending: T): T & Disposable {
  return pending as T & Disposable;
}

function sent({ ttl, requestId, owner, wait, waited, lockDelay, steal, once, ...claim }: LockRequest) {
  const options: RequestOptions = {
    requestId,
    ...claimed(claim),
    ...(owner !== undefined && { owner }),
    ...(wait > 0 && { wait, waited }),
    ...(lockDelay > 0 && { lockDelay }),
    ...(steal && { steal }),
    ...(once !== undefined && { once }),
  };
  return [ttl, options] as const;
}

function claimed({ exclusive, permits, capacity }: Claim): Pick<RequestOptions, "permits" | "capacity"> {
  return exclusive ? {} : { permits, capacity };
}
