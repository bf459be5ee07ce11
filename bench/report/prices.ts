/**
 * Cloudflare's list prices for the paid plan in US dollars, without what the plan includes.
 *
 * Source: https://developers.cloudflare.com/durable-objects/platform/pricing/, as read in November 2026.
 */
const PRICES = {
  perMillionRequests: 0.15,
  perMillionRowsWritten: 1,
  perMillionRowsRead: 0.001,
  perMillionGigabyteSeconds: 12.5,
  /** What an object is billed for while it is in memory. */
  gigabytes: 0.128,
} as const;

/** What one operation uses. */
export interface Usage {
  requests: number;
  written: number;
  read: number;
  /** How long the object is busy with it. */
  seconds: number;
}

/** What a million operations cost. */
export function dollarsPerMillion({ requests, written, read, seconds }: Usage): number {
  return (
    requests * PRICES.perMillionRequests +
    written * PRICES.perMillionRowsWritten +
    read * PRICES.perMillionRowsRead +
    seconds * PRICES.gigabytes * PRICES.perMillionGigabyteSeconds
  );
}
