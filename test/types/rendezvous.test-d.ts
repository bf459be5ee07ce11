// Compiled and not run: what the types of latch and barrier accept, refuse and return.
import { expectTypeOf } from "vitest";
import { type DurableLock, type DurableRendezvous, type ArriveResult, useBarrier, useLatch } from "../../src/index.ts";

declare const namespace: DurableObjectNamespace<DurableRendezvous>;
declare const locks: DurableObjectNamespace<DurableLock>;

const latch = useLatch(namespace, "id", { count: 3 });
expectTypeOf(latch.countDown()).resolves.toEqualTypeOf<number>();
expectTypeOf(latch.wait({ wait: 1 })).resolves.toEqualTypeOf<void>();
expectTypeOf(useBarrier(namespace, "id", { parties: 3 }).arrive()).resolves.toEqualTypeOf<ArriveResult>();
// @ts-expect-error the count is needed
useLatch(namespace, "id");
// @ts-expect-error not a namespace of rendezvous
useBarrier(locks, "id", { parties: 3 });
