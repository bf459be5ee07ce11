/** Milliseconds of the machine's monotonic clock, which all its processes share and nobody sets. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
