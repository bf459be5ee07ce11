import { DurableLock } from "durable-locks";
import { TTL } from "../contestants/contestant.ts";

/** A lock that fills its own storage, faster than callers could. */
export class SeededLock extends DurableLock {
  /** Uses as many slots as given, each so many times. All leases are released in the end. */
  async seed(slots: number, uses: number): Promise<void> {
    for (let use = 0; use < uses; use += 1) {
      const leases: number[] = [];
      for (let slot = 0; slot < slots; slot += 1) {
        const reply = await this.acquire(TTL, { permits: 1, capacity: Number.MAX_SAFE_INTEGER });
        if (reply.success) leases.push(reply.lease);
      }
      for (const lease of leases) await this.release(lease);
    }
  }
}
