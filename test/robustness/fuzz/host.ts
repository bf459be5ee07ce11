import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { countTimers } from "../../support/timers.ts";

/** What of an object must be the same after a call that was refused. */
interface Watched {
  /** Statements and writes that its storage has seen. */
  touched: () => number;
  /** Timers that are set. */
  timers: () => number;
}

/** Runs `work` inside the object and lets it see whatever it does to its storage and its timers. */
export async function inside<O extends Rpc.DurableObjectBranded>(
  stub: DurableObjectStub<O>,
  work: (object: O, state: DurableObjectState, watched: Watched) => Promise<void>,
): Promise<void> {
  await runInDurableObject(stub as DurableObjectStub, async (object, state) => {
    let touched = 0;
    const { sql, kv } = state.storage;
    const counted = <T extends object>(target: T, name: keyof T) => {
      const real = (target[name] as (...args: unknown[]) => unknown).bind(target);
      Object.defineProperty(target, name, {
        configurable: true,
        value: (...args: unknown[]) => ((touched += 1), real(...args)),
      });
      return () => void delete target[name];
    };
    const restores = [
      counted(sql, "exec"),
      counted(kv, "put"),
      counted(kv, "delete"),
      counted(state.storage, "setAlarm"),
    ];
    const timers = countTimers();
    try {
      await work(object as unknown as O, state, { touched: () => touched, timers: () => timers.pending.size });
    } finally {
      timers.restore();
      for (const restore of restores) restore();
    }
  });
}

export const PARKED = Symbol("parked");

/** The outcome of a call, or `PARKED` if it has none after 30 turns; a call that is answered at once has one by then. */
export async function settled(reply: unknown): Promise<unknown> {
  const later = async () => {
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
    return PARKED;
  };
  return await Promise.race([reply, later()]);
}

/** A refusal of a bad argument that says which, and nothing but that. */
export function expectRefusal(reply: unknown, wrong: string[]): void {
  const { argument, message, ...rest } = reply as Record<string, unknown>;
  if (wrong.includes("?")) expect(argument).toBeTypeOf("string");
  else expect(wrong).toContain(argument);
  expect(rest).toEqual({ success: false, reason: "INVALID_ARGUMENT" });
  if ((argument as string).length < 40) expect(message).toContain(JSON.stringify(argument).slice(1, -1));
  expect((message as string).length).toBeLessThan(500);
}

export function isRefused(reply: unknown): boolean {
  return typeof reply === "object" && reply !== null && "reason" in reply && reply.reason === "INVALID_ARGUMENT";
}
