// Compiled and not run: what the types of fencing accept, refuse and return.
import { expectTypeOf } from "vitest";
import {
  type Fence,
  type StaleLeaseError,
  fenceD1,
  fenceHeaders,
  fenceR2,
  fenceStorage,
  isLockError,
  readFence,
} from "../../src/index.ts";

declare const storage: DurableObjectStorage;
declare const db: D1Database;
declare const bucket: R2Bucket;
declare const error: unknown;

expectTypeOf(fenceStorage(storage, "r", 1, () => "text")).toEqualTypeOf<string>();
expectTypeOf(fenceD1<{ n: number }>(db, "r", 1, [])).resolves.toEqualTypeOf<D1Result<{ n: number }>[]>();
expectTypeOf(fenceR2(bucket, "k", 1, "v")).resolves.toEqualTypeOf<R2Object>();
expectTypeOf(readFence(new Headers(fenceHeaders("r", 1)))).toEqualTypeOf<Fence>();
// @ts-expect-error a lease is a number
void fenceD1(db, "r", "1", []);
// @ts-expect-error the fence needs the condition for itself
void fenceR2(bucket, "k", 1, "v", { onlyIf: {} });
// @ts-expect-error a stream can be read only once
void fenceR2(bucket, "k", 1, new ReadableStream());
if (isLockError(error, "STALE_LEASE")) expectTypeOf(error).toEqualTypeOf<StaleLeaseError>();
