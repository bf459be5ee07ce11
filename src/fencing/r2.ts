import { checkLease, invalid } from "../core/checks.ts";
import { LockError, StaleLeaseError } from "../errors.ts";

/** The field of the object's custom metadata that stores the lease number. */
const FIELD = "durable-locks-lease";

/** Each attempt fails only if another write succeeded. */
const ATTEMPTS = 100;

/** What can be put more than once: a stream can be read only once, and the put may have to be repeated. */
export type FencedR2Value = ArrayBuffer | ArrayBufferView | string | Blob | null;

/**
 * Puts an object into R2, unless a newer lease has put it before.
 *
 * The object's custom metadata stores the lease number. The put succeeds only if the object is still the version that
 * was read. If another caller has put it meanwhile, it is read again. Deleting the object also deletes the fence, so
 * put an empty object instead.
 *
 * @param bucket - the bucket
 * @param key - the object's key
 * @param lease - the lease number under which the caller writes
 * @param value - anything R2 takes but a stream
 * @param options - R2's own, without `onlyIf`
 * @throws `STALE_LEASE`, `INVALID_ARGUMENT`; `UNREACHABLE` if other callers were faster 100 times; what R2 throws
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
  if (typeof key !== "string" || key === "") throw invalid("key", "key must be a string that is not empty.");
  checkLease(lease);
  if (value instanceof ReadableStream)
    throw invalid("value", "value must not be a stream, which can be read only once: read it first.");
  if ("onlyIf" in options) throw invalid("onlyIf", "onlyIf is used by the fence itself: leave it out.");
  const customMetadata = { ...options.customMetadata, [FIELD]: String(lease) };
  let latest = Number.NEGATIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const seen = await bucket.head(key);
    const newest = Number(seen?.customMetadata?.[FIELD] ?? 0);
    if (lease < newest) throw new StaleLeaseError(key, lease, newest);
    latest = Math.max(latest, seen?.uploaded.getTime() ?? latest);
    const put = await bucket.put(key, value, { ...options, customMetadata, onlyIf: unchanged(seen) });
    // A caller that read the previous version must be able to tell it from this one, so they can't share a millisecond.
    if (put !== null && put.uploaded.getTime() > latest) return put;
  }
  throw new LockError("UNREACHABLE", `The R2 object "${key}" was changed by others in each of ${ATTEMPTS} attempts.`);
}

/**
 * The condition that an object is still the version that was read, recognised by its upload time and not by its etag.
 *
 * An etag is a hash of the content: if the new holder writes the same bytes that the old one saw, such as "idle" after
 * "busy", the etag is the same again, and the old holder's late write would pass. The two can't be combined:
 * beside a matching etag, R2 ignores `uploadedBefore` (RFC 9110, 13.2.2; seen in workerd of 2026-08).
 */
function unchanged(seen: R2Object | null): R2Conditional | Headers {
  if (seen === null) return new Headers({ "If-None-Match": "*" });
  const uploaded = seen.uploaded.getTime();
  return { uploadedAfter: new Date(uploaded - 1), uploadedBefore: new Date(uploaded + 1) };
}
