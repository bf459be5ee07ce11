import { LIMITS } from "../../src/core/limits.ts";
import { LockState } from "../../src/core/lock-state.ts";
import type { AcquireReply, Decision, JobResult } from "../../src/core/replies.ts";
import { type JobRecordInfo, infoOf } from "../../src/core/results/job-record.ts";
import type { ExitWatch, LockPrimitives } from "../../src/transport/primitives.ts";

/** The primitives in this process, on the shipped core alone: without object, network or storage. */
export function memoryPrimitives(id: string): LockPrimitives {
  const state = new LockState([], Date.now());
  const parked = new Map<string, (reply: AcquireReply) => void>();
  const watchers = new Set<() => boolean>();
  let stored: unknown;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function run<T>(transition: (now: number) => T): T {
    const now = Date.now();
    const result = transition(now);
    for (const { requestId, reply } of state.takeEffects().answers) parked.get(requestId)?.(complete(reply));
    for (const look of watchers) if (look()) watchers.delete(look);
    const wake = state.nextWake(now, watchers.size > 0);
    if (timer !== undefined) clearTimeout(timer);
    timer = wake === undefined ? undefined : setTimeout(() => run((at) => state.wake(at)), wake - now + 1);
    return result;
  }

  const complete = (reply: Decision): AcquireReply => {
    if (reply.success || reply.reason !== "RECORDED") return reply;
    const info = state.record.kept(Date.now()) as JobRecordInfo;
    return { ...reply, result: { value: structuredClone(stored), failed: info.failed, lease: info.lease } };
  };

  const storeResult = (lease: number, { value, ...rest }: JobResult, now: number): void => {
    state.wake(now);
    const live = state.find(lease, now);
    if (!live) return;
    stored = structuredClone(value);
    state.keepResult(infoOf(live, rest, now), now);
  };

  const until = <T>(find: () => T | undefined, wait: number): Promise<T | undefined> => {
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const give = setTimeout(() => resolve(undefined), Math.min(wait, LIMITS.longPoll));
    watchers.add(() => {
      const found = find();
      if (found === undefined) return false;
      clearTimeout(give);
      resolve(found);
      return true;
    });
    run((now) => state.wake(now));
    return promise;
  };

  return {
    id,
    key: `memory:${id}`,
    acquire: async (request) => {
      if (request.wait === 0) return complete(run((now) => state.acquire(request, now)));
      const { promise, resolve } = Promise.withResolvers<AcquireReply>();
      parked.set(request.requestId, resolve);
      const reply = run((now) => state.enqueue(request, now));
      return reply ? complete(reply) : promise;
    },
    renew: async (lease, ttl, requestId) => run((now) => state.renew(lease, ttl, requestId, now)),
    convert: async (lease, claim, requestId) => run((now) => state.convert(lease, claim, requestId, now)),
    release: async (lease, requestId, result) =>
      run((now) => {
        if (result) storeResult(lease, result, now);
        return state.release(lease, requestId, now);
      }),
    cancel: async (requestId) => run((now) => state.cancel(requestId, now)),
    isLocked: async () => state.isLocked(Date.now()),
    status: async () => state.status(Date.now()),
    watch: async (known, wait) => {
      await until(() => (state.newest(Date.now()) === known ? undefined : true), wait);
      return state.status(Date.now());
    },
    forceRelease: async (requestId) => run((now) => state.forceRelease(requestId, now)),
    requestRelease: async (requestId) => run((now) => state.requestRelease(requestId, now)),
    watchExit: async (lease): Promise<ExitWatch> => ({
      success: true,
      next: async (told) =>
        (await until(() => {
          const live = state.find(lease, Date.now());
          if (!live) return { ended: state.confirmEnd(lease).ended ?? "superseded" };
          return live.releaseRequested && !told ? { releaseRequested: true } : undefined;
        }, LIMITS.longPoll)) ?? {},
      [Symbol.dispose]: () => run((now) => state.expire(lease, now)),
    }),
  };
}
