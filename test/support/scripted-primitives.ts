import type { RenewReply } from "../../src/core/replies.ts";
import type { LockPrimitives } from "../../src/transport/primitives.ts";

export const GRANT: RenewReply = { success: true, lease: 7, deadline: 1, validFor: 30_000 };

/** Primitives that answer as a test says. `calls` lists the calls and their times. */
export function scriptedPrimitives(answers: Partial<LockPrimitives>) {
  const calls: { method: string; args: unknown[]; at: number }[] = [];
  const since = performance.now();
  const primitives = { id: "scripted", key: "scripted" } as LockPrimitives;
  for (const [method, answer] of Object.entries(answers) as [string, (...args: unknown[]) => unknown][])
    Object.assign(primitives, {
      [method]: (...args: unknown[]) => {
        calls.push({ method, args: withoutSignal(args), at: Math.round(performance.now() - since) });
        return answer(...args);
      },
    });
  return { primitives, calls };
}

/** The arguments of a call without its signal, which comes last. */
function withoutSignal(args: unknown[]): unknown[] {
  const asked = args.at(-1) instanceof AbortSignal ? args.slice(0, -1) : args;
  return asked.at(-1) === undefined ? asked.slice(0, -1) : asked;
}

/** Primitives that answer as if the lock were free, unless a test says otherwise. `methods` lists the calls. */
export function grantingPrimitives(answers: Partial<LockPrimitives> = {}) {
  const { primitives, calls } = scriptedPrimitives({
    acquire: async () => GRANT,
    renew: async () => GRANT,
    release: async () => true,
    cancel: async () => undefined,
    ...answers,
  });
  return { primitives, calls, methods: () => calls.map(({ method }) => method) };
}
