import type { LockPrimitives } from "../../src/client/primitives.ts";

/** Primitives that answer as a test says; `calls` is what they were asked, and when. */
export function scriptedPrimitives(answers: Partial<LockPrimitives>) {
  const calls: { method: string; args: unknown[]; at: number }[] = [];
  const since = performance.now();
  const primitives = { id: "scripted", key: "scripted" } as LockPrimitives;
  for (const [method, answer] of Object.entries(answers) as [string, (...args: unknown[]) => unknown][])
    Object.assign(primitives, {
      [method]: (...args: unknown[]) => {
        calls.push({ method, args, at: Math.round(performance.now() - since) });
        return answer(...args);
      },
    });
  return { primitives, calls };
}
