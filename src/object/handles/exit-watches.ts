import type { LockState } from "../../core/lock-state.ts";
import type { LeaseEvent, RefusalReply } from "../../core/replies.ts";
import { ContextHandle } from "./context-handle.ts";
import { ContextHandles } from "./context-handles.ts";
import { type ExitWatchReply, LeaseEvents } from "./exit-watch.ts";

/** What exit watches need of the lock. */
export interface WatchedLock {
  /** Makes a transition and carries out its effects. */
  run<T>(transition: (state: LockState, now: number) => T): T;
  /** Asks, which changes nothing. */
  ask<T>(question: (state: LockState, now: number) => T): T;
  /** Waits until it is so; it looks after each transition. */
  until(isSo: (state: LockState, now: number) => boolean): Promise<void>;
  /** Ends a lease whose holder is gone, as if it had run out. */
  expire(lease: number): void;
}

/** Ends leases with the execution contexts of their holders, and tells the holders what happens to their leases. */
export class ExitWatches {
  readonly #lock: WatchedLock;
  readonly #handles = new ContextHandles();
  readonly #events = new Map<string, Promise<LeaseEvent>>();

  constructor(lock: WatchedLock) {
    this.#lock = lock;
  }

  /** Sets up an exit watch for a live lease; refused if the lease is not live. */
  add(lease: number): ExitWatchReply | RefusalReply {
    const live = this.#lock.run((state, now) => (state.wake(now), state.find(lease, now)));
    if (!live) return this.#lock.run((state) => state.confirmEnd(lease));
    // A holder that listens has received its exit watch; if the reply was lost, its disposal must not end the lease.
    let isReceived = false;
    const handle = new ContextHandle(() => {
      this.#handles.remove(lease, handle);
      if (isReceived) this.#endIfUnwatched(lease);
    });
    const events = new LeaseEvents((told) => {
      isReceived = true;
      // A call that was made just before the holder died may arrive just after its handle was disposed of.
      this.#endIfUnwatched(lease);
      return this.#nextEvent(lease, told);
    });
    const isLive = (other: number) => this.#lock.ask((state, now) => state.find(other, now)) !== undefined;
    this.#handles.add(lease, handle, isLive);
    return { success: true, handle: handle, events: events };
  }

  /** A lease ends with the last of its handles. */
  #endIfUnwatched(lease: number): void {
    if (!this.#handles.has(lease)) this.#lock.expire(lease);
  }

  /** One wait for all calls that ask the same, however many they are. */
  #nextEvent(lease: number, told: boolean): Promise<LeaseEvent> {
    const asked = `${lease} ${told ? "told" : "untold"}`;
    const known = this.#events.get(asked);
    if (known) return known;
    const event = this.#awaitEvent(lease, told).finally(() => this.#events.delete(asked));
    this.#events.set(asked, event);
    return event;
  }

  async #awaitEvent(lease: number, told: boolean): Promise<LeaseEvent> {
    await this.#lock.until((state, now) => {
      const live = state.find(lease, now);
      return !live || (live.releaseRequested && !told);
    });
    return this.#lock.run((state, now) => {
      if (state.find(lease, now)) return { releaseRequested: true };
      return { ended: state.confirmEnd(lease).ended ?? "superseded" };
    });
  }
}
