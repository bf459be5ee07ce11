import type { Claim } from "../../../src/core/leases/lease.ts";
import type { AcquireReply, RecordedReply, RefusalReply } from "../../../src/core/replies.ts";
import type { LockPrimitives } from "../../../src/transport/primitives.ts";
import type { Acquire, Cancel, Entry, History, HistoryClaim, Release, Renew } from "./records.ts";

/** Where a history is written. */
export interface Journal {
  /** The one clock of the history, in milliseconds. */
  now: () => number;
  /** Begins an entry; what comes back adds to it. */
  open: <E extends Entry>(entry: E) => (more: Partial<E>) => void;
}

/** A journal in memory. */
export function memoryJournal(now: () => number): Journal & { history: History } {
  const history: Entry[] = [];
  return {
    history,
    now,
    open: (entry) => {
      history.push(entry);
      return (more) => void Object.assign(entry, more);
    },
  };
}

function claimOf({ exclusive, permits, capacity }: Claim): HistoryClaim {
  return { exclusive, permits, capacity: capacity === Infinity ? null : capacity };
}

/** The primitives, with every call that takes or ends a lease written down. */
export function recorded(primitives: LockPrimitives, client: string, { now, open }: Journal): LockPrimitives {
  const lock = primitives.id;
  return {
    ...primitives,
    acquire: async (request, ...rest) => {
      const { requestId, ttl } = request;
      const claim = claimOf(request);
      const answer = open<Acquire>({ kind: "acquire", lock, client, requestId, claim, ttl, invoked: now() });
      const reply = await primitives.acquire(request, ...rest);
      answer({ answered: now(), ...grantIn(reply) });
      return reply;
    },
    renew: async (lease, ttl, requestId, signal) => {
      const answer = open<Renew>({ kind: "renew", lock, client, requestId, lease, ttl, invoked: now() });
      const reply = await primitives.renew(lease, ttl, requestId, signal);
      const { lease: _, ...told } = grantIn(reply);
      answer({ answered: now(), ...told });
      return reply;
    },
    release: async (lease, requestId, result, signal) => {
      const answer = open<Release>({ kind: "release", lock, client, requestId, lease, invoked: now() });
      const reply = await primitives.release(lease, requestId, result, signal);
      answer({ answered: now(), ...(reply !== true && refusalIn(reply)) });
      return reply;
    },
    cancel: async (requestId, signal) => {
      const answer = open<Cancel>({ kind: "cancel", lock, client, requestId, invoked: now() });
      const reply = await primitives.cancel(requestId, signal);
      answer({ answered: now() });
      return reply;
    },
  };
}

function grantIn(reply: AcquireReply): Pick<Acquire, "lease" | "validFor" | "refused"> {
  return reply.success ? { lease: reply.lease, validFor: reply.validFor } : refusalIn(reply);
}

function refusalIn({ reason }: RecordedReply | RefusalReply): { refused: string } {
  return { refused: reason };
}
