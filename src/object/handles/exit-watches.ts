import type { LockState } from "../../core/lock-state.ts";
import type { LeaseEvent, RefusalReply } from "../../core/replies.ts";
import { ContextHandle } from "./context-handle.ts";
import { ContextHandles } from "./context-handles.ts";
import { type ExitWatchReply, LeaseEvents } from "./exit-watch.ts";

/** What a holder waits for, on its lease alone. Holders with the same key wait for the same. */
export interface LeaseCondition {
  key: string;
  lease: number;
  isTrue: (state: LockState, now: number) => boolean;
}

/** What exit watches need from the lock. */
export interface WatchedLock {
  /** Runs a transition and carries out its effects. */
  run<T>(transition: (state: LockState, now: number) => T): T;
  /** Reads the state without changing it. */
  ask<T>(question: (state: LockState, now: number) => T): T;
  /** Waits until a condition holds on a lease; it is checked after each of the lease's events. */
  until(condition: LeaseCondition): Promise<void>;
  /** Ends a lease whose holder has died, as if the lease had run out. */
  expire(lease: number): void;
}

/** Ends a lease when the execution context of its holder ends, and tells holders what happens to their leases. */
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
    // Only a call for events proves that the holder received its exit watch. If the reply was lost, the disposal of the
    // handle must not end the lease.
    let isReceived = false;
    const handle = new ContextHandle(() => {
      this.#handles.remove(lease, handle);
      if (isReceived) this.#endIfUnwatched(lease);
    });
    const events = new LeaseEvents((told) => {
      isReceived = true;
      // The holder may have died right after this call: then its handle may already be disposed of when the call
      // arrives.
      this.#endIfUnwatched(lease);
      return this.#nextEvent(lease, told);
    });
    const isLive = (other: number) => this.#lock.ask((state, now) => state.find(other, now)) !== undefined;
    this.#handles.add(lease, handle, isLive);
    return { success: true, handle, events };
  }

  /** Ends the lease if it has no handle left. */
  #endIfUnwatched(lease: number): void {
    if (!this.#handles.has(lease)) this.#lock.expire(lease);
  }

  /** All calls that wait for the same event share one watcher. */
  #nextEvent(lease: number, told: boolean): Promise<LeaseEvent> {
    const key = `${lease} ${told ? "told" : "untold"}`;
    const pending = this.#events.get(key);
    if (pending) return pending;
    const event = this.#awaitEvent(key, lease, told).finally(() => this.#events.delete(key));
    this.#events.set(key, event);
    return event;
  }

  async #awaitEvent(key: string, lease: number, told: boolean): Promise<LeaseEvent> {
    const isTrue: LeaseCondition["isTrue"] = (state, now) => {
      const live = state.find(lease, now);
      return !live || (live.releaseRequested && !told);
    };
    await this.#lock.until({ key, lease, isTrue });
    return this.#lock.run((state, now) => {
      if (state.find(lease, now)) return { releaseRequested: true };
      return { ended: state.confirmEnd(lease).ended ?? "superseded" };
    });
  }
}
