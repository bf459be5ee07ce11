import { checkLease, checkText, invalid } from "../core/limits.ts";
import { StaleLeaseError } from "../errors.ts";

/** Where the lease is kept, among the object's custom metadata. */
const FIELD = "durable-locks-lease";

/** What can be put more than once: a stream can be read only once, and the put may have to be repeated. */
export type FencedR2Value = ArrayBuffer | ArrayBufferView | string | Blob | null;

/**
 * Puts an object into R2, unless a newer lease has put it before.
 *
 * The lease is kept in the object's custom metadata, and the put is made on condition that the object is still the one
 * that was looked at; if it is not, somebody has put it in between, and it is looked at again. Deleting the object
 * forgets the fence: put an empty one instead.
 *
 * @param bucket - the bucket
 * @param key - the object's key
 * @param lease - the lease number under which the caller writes
 * @param value - anything R2 takes but a stream
 * @param options - R2's own, without `onlyIf`
 * @throws `STALE_LEASE`, `INVALID_ARGUMENT`, and what R2 throws
 * @example
 * ```ts
 * await fenceR2(env.BUCKET, "report.json", lease, JSON.stringify(report));
 * ```
 */
export async function fenceR2(
  bucket: R2Bucket,
  key: string,
  lease: number,
  value: FencedR2Value,
  options: Omit<R2PutOptions, "onlyIf"> = {},
): Promise<R2Object> {
  checkText(key, "key");
  checkLease(lease);
  if (value instanceof ReadableStream)
    throw invalid("value", "value must not be a stream, which can be read only once: read it first.");
  if ("onlyIf" in options) throw invalid("onlyIf", "onlyIf is what the fence itself needs: leave it out.");
  const customMetadata = { ...options.customMetadata, [FIELD]: String(lease) };
  for (;;) {
    const present = await bucket.head(key);
    const newest = Number(present?.customMetadata?.[FIELD] ?? 0);
    if (lease < newest) throw new StaleLeaseError(key, lease, newest);
    const onlyIf: R2Conditional = present ? { etagMatches: present.etag } : { etagDoesNotMatch: "*" };
    const put = await bucket.put(key, value, { ...options, customMetadata, onlyIf });
    if (put) return put;
  }
}
