import { describe, expect, it, vi } from "vitest";
import type { Caller } from "../../../../src/core/caller.ts";
import { PROTOCOL } from "../../../../src/core/protocol.ts";
import type { LockRequest } from "../../../../src/core/request.ts";
import type { DurableLock } from "../../../../src/index.ts";
import type { ExitWatch } from "../../../../src/transport/primitives.ts";
import { rpcPrimitives } from "../../../../src/transport/rpc/rpc-primitives.ts";
import { failureOf } from "../../../support/outcome.ts";
import { type Answers, scriptedNamespace } from "../../../support/scripted-namespace.ts";

const REQUEST: LockRequest = {
  ttl: 1_000,
  requestId: "r",
  exclusive: true,
  permits: 1,
  capacity: 1,
  wait: 0,
  waited: 0,
  lockDelay: 0,
  steal: false,
} as LockRequest;

const protocol = PROTOCOL;

/** What each call carries. */
const r = { requestId: "r", protocol };
const GRANT = { success: true, lease: 7, deadline: 1, validFor: 1_000 };

/** What is sent to an object whose methods answer as given. */
function sentTo(answers: Answers = {}, caller?: Caller) {
  const { namespace, calls, names } = scriptedNamespace<DurableLock>(answers);
  const sent = () => calls.map(({ method, args }) => [method, ...args]);
  return { primitives: rpcPrimitives(namespace, "mine", caller), sent, names };
}

describe("Calls over RPC", () => {
  it("A call over RPC goes to the lock's own object, each through a new stub.", async () => {
    const { primitives, names } = sentTo();
    expect(primitives.key).toBe("id of mine");
    await primitives.isLocked();
    await primitives.status();
    expect(names).toEqual(["mine", "mine"]);
  });

  it("A request over RPC leaves out what has its default value.", async () => {
    const { primitives, sent } = sentTo();
    await primitives.acquire(REQUEST);
    await primitives.acquire({
      ...REQUEST,
      exclusive: false,
      permits: 2,
      capacity: 3,
      owner: "me",
      lockDelay: 5,
      steal: true,
      job: { fingerprint: undefined },
    });
    expect(sent()).toEqual([
      ["acquire", 1_000, { ...r }],
      ["acquire", 1_000, { ...r, permits: 2, capacity: 3, owner: "me", lockDelay: 5, steal: true, once: "" }],
    ]);
  });

  it("Every other call over RPC carries its arguments.", async () => {
    const { primitives, sent } = sentTo();
    const result = { value: 1, failed: false, retain: 1 };
    await primitives.renew(7, 1_000, "r");
    await primitives.convert(7, { exclusive: true, permits: 1, capacity: 1 }, "r");
    await primitives.convert(7, { exclusive: false, permits: 1, capacity: 2 }, "r");
    await primitives.release(7, "r");
    await primitives.release(7, "r", result);
    await primitives.cancel("r");
    await primitives.watch(7, 1_000);
    await primitives.forceRelease("r");
    await primitives.requestRelease("r");
    expect(sent()).toEqual([
      ["renew", 7, 1_000, { ...r }],
      ["convert", 7, { ...r }],
      ["convert", 7, { ...r, permits: 1, capacity: 2 }],
      ["release", 7, { ...r }],
      ["release", 7, { ...r, result }],
      ["cancel", "r", { protocol }],
      ["watch", 7, 1_000],
      ["forceRelease", { ...r }],
      ["requestRelease", { ...r }],
    ]);
  });
});

describe("Calls of the lock service", () => {
  it("The lock service names its caller in each call that begins, changes or ends something.", async () => {
    const caller = { tokenName: "ci", isAdmin: false };
    const { primitives, sent } = sentTo({}, caller);
    await primitives.acquire(REQUEST);
    await primitives.renew(7, 1_000, "r");
    await primitives.convert(7, { exclusive: true, permits: 1, capacity: 1 }, "r");
    await primitives.release(7, "r");
    await primitives.cancel("r");
    await primitives.forceRelease("r");
    await primitives.requestRelease("r");
    expect(sent()).toEqual([
      ["acquire", 1_000, { ...r, caller }],
      ["renew", 7, 1_000, { ...r, caller }],
      ["convert", 7, { ...r, caller }],
      ["release", 7, { ...r, caller }],
      ["cancel", "r", { protocol, caller }],
      ["forceRelease", { ...r, caller }],
      ["requestRelease", { ...r, caller }],
    ]);
  });
});

describe("Object of another version", () => {
  it("An object that refuses the client's protocol is a VERSION_MISMATCH with the object's message.", async () => {
    const refusal = { success: false, reason: "VERSION_MISMATCH", argument: "", message: "It speaks protocol 9." };
    const { primitives } = sentTo({ acquire: async () => refusal });
    expect(await failureOf(primitives.acquire(REQUEST))).toMatchObject({
      code: "VERSION_MISMATCH",
      message: "It speaks protocol 9.",
    });
  });

  it("An object without protocols refuses the option, and the error says what to deploy.", async () => {
    const refusal = { success: false, reason: "INVALID_ARGUMENT", argument: "protocol", message: "unknown option" };
    const { primitives } = sentTo({ renew: async () => refusal });
    expect(await failureOf(primitives.renew(7, 1_000, "r"))).toMatchObject({
      code: "VERSION_MISMATCH",
      message:
        `This client speaks protocol ${PROTOCOL}, and the object speaks an older protocol that has no number. ` +
        "Update durable-locks in the object, and deploy it.",
    });
  });
});

describe("Waiting over RPC", () => {
  const waiting = { ...REQUEST, wait: 9, waited: 4 };
  const ticket = (granted: () => Promise<unknown>) => ({ pendingGrant: { reply: granted }, [Symbol.dispose]: vi.fn() });

  it("A request that could wait but need not gets its grant with the first answer, and no ticket.", async () => {
    const { primitives, sent } = sentTo({ acquireOrQueue: async () => GRANT });
    expect(await primitives.acquire(waiting)).toBe(GRANT);
    expect(sent()).toEqual([["acquireOrQueue", 1_000, { ...r, wait: 9, waited: 4 }]]);
  });

  it("G4 A waiter waits on its ticket and disposes of it after its grant.", async () => {
    const one = ticket(async () => (expect(one[Symbol.dispose]).not.toHaveBeenCalled(), GRANT));
    const { primitives, sent } = sentTo({ acquireOrQueue: async () => one });
    expect(await primitives.acquire(waiting)).toBe(GRANT);
    expect(sent()).toHaveLength(1);
    expect(one[Symbol.dispose]).toHaveBeenCalledOnce();
  });

  it("A request has arrived once the object answers it, with a ticket or a grant.", async () => {
    for (const answered of [GRANT, ticket(async () => GRANT)]) {
      const onQueued = vi.fn();
      const { primitives } = sentTo({ acquireOrQueue: async () => answered });
      const acquired = primitives.acquire(waiting, undefined, onQueued);
      expect(onQueued).not.toHaveBeenCalled();
      await acquired;
      expect(onQueued).toHaveBeenCalledOnce();
    }
  });

  it("G4 A waiter that is cut off gets that error and disposes of its ticket.", async () => {
    const broken = new Error("broken");
    const one = ticket(() => Promise.reject(broken));
    const { primitives } = sentTo({ acquireOrQueue: async () => one });
    expect(await failureOf(primitives.acquire(waiting))).toBe(broken);
    expect(one[Symbol.dispose]).toHaveBeenCalledOnce();
  });

  it("G4 G8 A waiter that gives up disposes of its ticket, also of one that arrives later.", async () => {
    const one = ticket(() => new Promise(() => {}));
    const arrives = Promise.withResolvers<typeof one>();
    const isGivenUp = new AbortController();
    const early = sentTo({ acquireOrQueue: () => arrives.promise }).primitives.acquire(waiting, isGivenUp.signal);
    const two = ticket(() => new Promise(() => {}));
    const queued = Promise.withResolvers<void>();
    const late = sentTo({ acquireOrQueue: async () => two }).primitives.acquire(
      waiting,
      isGivenUp.signal,
      queued.resolve,
    );
    await queued.promise;
    isGivenUp.abort(new Error("given up"));
    expect(await Promise.all([failureOf(early), failureOf(late)])).toMatchObject([
      { message: "given up" },
      { message: "given up" },
    ]);
    arrives.resolve(one);
    await vi.waitFor(() => expect(one[Symbol.dispose]).toHaveBeenCalledOnce());
    expect(two[Symbol.dispose]).toHaveBeenCalledOnce();
  });
});

describe("Exit watch over RPC", () => {
  it("watchExit over RPC gives an exit watch that asks for lease events and can be disposed of.", async () => {
    const reply = { handle: {}, events: { next: vi.fn(async () => ({})) }, [Symbol.dispose]: vi.fn() };
    const { primitives, sent } = sentTo({ watchExit: async () => reply });
    const watch = (await primitives.watchExit?.(7)) as ExitWatch;
    expect(watch.success).toBe(true);
    expect(await watch.next(true)).toEqual({});
    expect(reply.events.next).toHaveBeenCalledExactlyOnceWith(true);
    watch[Symbol.dispose]();
    expect(reply[Symbol.dispose]).toHaveBeenCalledOnce();
    expect(sent()).toEqual([["watchExit", 7]]);
  });

  it("watchExit over RPC passes a refusal on.", async () => {
    const refusal = { success: false, reason: "NO_LONGER_VALID" };
    const { primitives } = sentTo({ watchExit: async () => refusal });
    expect(await primitives.watchExit?.(7)).toBe(refusal);
  });
});
