import type { Caller, CallerOption } from "../../core/caller.ts";
import { PROTOCOL } from "../../core/protocol.ts";
import type { AcquireReply, RefusalReply } from "../../core/replies.ts";
import { type LockRequest, type RequestOptions, claimOptions, optionsOf } from "../../core/request.ts";
import type { DurableLock } from "../../object/durable-lock.ts";
import { inOwnRequest } from "../own-request.ts";
import type { ExitWatch, LockPrimitives } from "../primitives.ts";
import type { LockObjects } from "./placement.ts";
import { heard } from "./rpc-call.ts";
import { rpcStub } from "./rpc-stub.ts";

/**
 * The primitives over RPC. Each call gets its own stub.
 *
 * The lock service passes the caller on whose behalf it calls. All other users of RPC pass none.
 */
export function rpcPrimitives(objects: LockObjects, id: string, caller?: Caller): LockPrimitives {
  const stub = () => rpcStub<DurableLock>(objects, id, "acquire");
  const called: CallerOption = { protocol: PROTOCOL, ...(caller && { caller }) };
  const sent = (request: LockRequest): Sent => [request.ttl, { ...optionsOf(request), ...called }];
  return {
    id,
    get key() {
      return objects.idFromName(id).toString();
    },
    acquire: (request, signal, onQueued) =>
      request.wait === 0
        ? heard(stub().acquire(...sent(request)), signal)
        : acquireOrWait(stub(), sent(request), signal, onQueued),
    renew: (lease, ttl, requestId, signal) => heard(stub().renew(lease, ttl, { requestId, ...called }), signal),
    convert: (lease, claim, requestId, signal) =>
      heard(stub().convert(lease, { ...claimOptions(claim), requestId, ...called }), signal),
    release: (lease, requestId, result, signal) =>
      heard(stub().release(lease, { requestId, ...(result && { result }), ...called }), signal),
    cancel: (requestId, signal) => heard(stub().cancel(requestId, called), signal),
    isLocked: (signal) => heard(stub().isLocked(), signal),
    status: (signal) => heard(stub().status(), signal),
    watch: (known, wait, signal) => heard(stub().watch(known, wait), signal),
    watchNewest: (known, wait, signal) => heard(stub().watch(known, wait, { newest: true }), signal),
    forceRelease: (requestId, signal) => heard(stub().forceRelease({ requestId, ...called }), signal),
    requestRelease: (requestId, signal) => heard(stub().requestRelease({ requestId, ...called }), signal),
    watchExit: (lease, signal) => watchExit(stub(), lease, signal),
  };
}

async function watchExit(
  stub: DurableObjectStub<DurableLock>,
  lease: number,
  signal: AbortSignal | undefined,
): Promise<ExitWatch | RefusalReply> {
  const watch = await heard(stub.watchExit(lease), signal);
  if (!("handle" in watch)) return watch;
  const { signal: home } = new AbortController();
  const here = <T>(use: () => T) => inOwnRequest(home, "This exit watch", use);
  return {
    success: true,
    next: async (told) => here(() => watch.events.next(told)),
    // Check the request here too: the runtime would let another request dispose of the exit watch, and so end the
    // lease.
    [Symbol.dispose]: () => here(() => disposable(watch)[Symbol.dispose]()),
  };
}

/**
 * Takes the lock, or waits through a ticket, in one session and so in one billed request. If this context ends, the
 * object drops the waiter at once.
 */
async function acquireOrWait(
  stub: DurableObjectStub<DurableLock>,
  sent: Sent,
  signal: AbortSignal | undefined,
  onQueued: (() => void) | undefined,
): Promise<AcquireReply> {
  const reply = await heard(stub.acquireOrQueue(...sent), signal);
  onQueued?.();
  if (!("pendingGrant" in reply)) return reply;
  using ticket = disposable(reply);
  return await heard(ticket.pendingGrant.reply(), signal);
}

/** You can dispose of every answer that has handles, but its type does not say so. */
function disposable<T>(answer: T): T & Disposable {
  return answer as T & Disposable;
}

type Sent = readonly [ttl: number, options: RequestOptions & CallerOption];
