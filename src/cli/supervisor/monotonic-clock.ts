/** Milliseconds on the machine's monotonic clock. All processes of the machine share it, and nobody can set it. */
export function monotonicNow(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
