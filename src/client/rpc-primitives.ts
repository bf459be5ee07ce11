import type { AcquireReply } from "../core/replies.ts";
import type { LockRequest } from "../core/request.ts";
import type { DurableLock } from "../object/durable-lock.ts";
import type { LockPrimitives } from "./primitives.ts";

/** The primitives over RPC. A stub a call: many exceptions break the stub they came through for good. */
export function rpcPrimitives(namespace: DurableObjectNamespace<DurableLock>, id: string): LockPrimitives {
  const stub = () => namespace.getByName(id);
  return {
    id,
    acquire: (request) => (request.wait === 0 ? stub().acquire(...sent(request)) : parkedAcquire(stub(), request)),
    renew: (lease, ttl, requestId) => stub().renew(lease, ttl, { requestId }),
    release: (lease, requestId) => stub().release(lease, { requestId }),
    cancel: (requestId) => stub().cancel(requestId),
    isLocked: () => stub().isLocked(),
    status: () => stub().status(),
  };
}

/** Waits with a ticket, pipelined into one round trip: if this context dies, the object drops the waiter at once. */
async function parkedAcquire(stub: DurableObjectStub<DurableLock>, request: LockRequest): Promise<AcquireReply> {
  const pending = stub.enqueue(...sent(request));
  // An instrumented stub may hand out an ordinary promise, on which nothing can be pipelined.
  using ticket = disposable(pending.turn === undefined ? await pending : pending);
  return await ticket.turn.granted();
}

/** The runtime's promise for a ticket can be disposed like the ticket; its type does not say so. */
function disposable<T>(pending: T): T & Disposable {
  return pending as T & Disposable;
}

function sent({ ttl, requestId, owner, exclusive, permits, capacity, wait, waited }: LockRequest) {
  const claim = exclusive ? {} : { permits, capacity };
  const waiting = wait === 0 ? {} : { wait, waited };
  return [ttl, { requestId, ...(owner !== undefined && { owner }), ...claim, ...waiting }] as const;
}
