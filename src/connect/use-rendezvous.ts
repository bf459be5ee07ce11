import { checkId } from "../core/checks.ts";
import { type Barrier, type BarrierOptions, createBarrier } from "../toolkit/rendezvous/barrier.ts";
import { type Latch, type LatchOptions, createLatch } from "../toolkit/rendezvous/latch.ts";
import type { RendezvousNamespace } from "../transport/rpc/namespace.ts";
import { rpcRendezvous } from "../transport/rpc/rpc-rendezvous.ts";

/**
 * A latch: its waiters continue when callers have counted it down by `count` in all.
 *
 * Count-downs are stored, each takes effect once, and none is undone if its caller dies. The latch stays open. A day
 * after the last count-down, its storage is deleted, and the id is a new latch.
 *
 * @param namespace - the binding of the `DurableRendezvous` class
 * @param id - any well-formed string of 1 to 512 bytes
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const parts = useLatch(env.DURABLE_RENDEZVOUS, "import:42", { count: 3 });
 * await parts.countDown({ requestId: `part ${n}` }); // in each of three jobs
 * await parts.wait({ wait: 60_000 }); // in the job that needs them all
 * ```
 */
export function useLatch(namespace: RendezvousNamespace, id: string, options: LatchOptions): Latch {
  return createLatch(rpcRendezvous(namespace, checkId(id)), options);
}

/**
 * A barrier: `parties` callers wait for each other and continue together. Then you can use it again.
 *
 * If more than `parties` arrive, the first `parties` form one generation, and the rest begin the next.
 *
 * If a caller dies, aborts or runs out of time while it waits, the other calls reject with `BARRIER_BROKEN` at once,
 * because they would wait in vain. The next caller begins a new generation.
 *
 * @param namespace - the binding of the `DurableRendezvous` class
 * @param id - any well-formed string of 1 to 512 bytes
 * @throws `INVALID_ARGUMENT`
 * @example
 * ```ts
 * const phase = useBarrier(env.DURABLE_RENDEZVOUS, "simulation:7", { parties: 4 });
 * for (const step of steps) {
 *   await compute(step);
 *   await phase.arrive({ wait: 60_000 });
 * }
 * ```
 */
export function useBarrier(namespace: RendezvousNamespace, id: string, options: BarrierOptions): Barrier {
  return createBarrier(rpcRendezvous(namespace, checkId(id)), options);
}
