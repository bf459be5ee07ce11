import { PROTOCOL } from "../../core/protocol.ts";
import type { Arrival } from "../../core/rendezvous/barrier-state.ts";
import type { ArriveReply } from "../../core/rendezvous/rendezvous-replies.ts";
import type { DurableRendezvous } from "../../object/durable-rendezvous.ts";
import type { RendezvousPrimitives } from "../rendezvous-primitives.ts";
import { type RendezvousNamespace, checkNamespace } from "./namespace.ts";
import { heard } from "./rpc-call.ts";
import { rpcStub } from "./rpc-stub.ts";

/** The primitives of a rendezvous over RPC. Each call gets its own stub. */
export function rpcRendezvous(namespace: RendezvousNamespace, id: string): RendezvousPrimitives {
  checkNamespace(namespace, "DurableRendezvous");
  const stub = () => rpcStub(namespace, id, "arriveAtBarrier");
  return {
    id,
    countDown: (count, by, requestId, signal) => heard(stub().countDown(count, by, requestId), signal),
    awaitLatch: (count, wait, signal) => heard(stub().awaitLatch(count, wait), signal),
    arrive: (arrival, signal) => waitWithTicket(stub(), arrival, signal),
    leave: (requestId, signal) => heard(stub().leave(requestId), signal),
    waiting: (signal) => heard(stub().waiting(), signal),
  };
}

/**
 * Waits through a ticket. If this context ends meanwhile, the runtime disposes of the ticket, which tells the object.
 */
async function waitWithTicket(
  stub: DurableObjectStub<DurableRendezvous>,
  arrival: Arrival,
  signal: AbortSignal,
): Promise<ArriveReply> {
  const pending = stub.arriveAtBarrier({ ...arrival, protocol: PROTOCOL }) as unknown as Disposable & {
    outcome?: { reply(): Promise<ArriveReply> };
  };
  // An instrumented stub may return an ordinary promise, on which you can't pipeline a call.
  using ticket =
    pending.outcome === undefined ? await heard(pending as unknown as Promise<typeof pending>, signal) : pending;
  return await heard((ticket.outcome as { reply(): Promise<ArriveReply> }).reply(), signal);
}
