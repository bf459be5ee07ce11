import type { Arrival } from "../core/rendezvous/barrier-state.ts";
import type { ArriveReply, LatchReply } from "../core/rendezvous/rendezvous-replies.ts";

/**
 * What latches and barriers are built on: the calls to one rendezvous, over any transport.
 *
 * Expected outcomes are results; faults of the transport are thrown as they are.
 */
export interface RendezvousPrimitives {
  /** The rendezvous's id, for error messages. */
  readonly id: string;
  /** Counts the latch down, once for each request id. */
  countDown(count: number, by: number, requestId: string, signal?: AbortSignal): Promise<LatchReply>;
  /** Waits until the latch is open, for at most `wait` ms; with 0, returns the remaining count at once. */
  awaitLatch(count: number, wait: number, signal?: AbortSignal): Promise<LatchReply>;
  /**
   * Arrives at the barrier and waits for at most one long poll; if the caller's context ends, the object learns about
   * it.
   */
  arrive(arrival: Arrival, signal: AbortSignal): Promise<ArriveReply>;
  /** Gives up a wait at the barrier, which breaks it for the others. */
  leave(requestId: string, signal?: AbortSignal): Promise<unknown>;
  /** How many callers wait at the barrier. */
  waiting(signal?: AbortSignal): Promise<number>;
}
