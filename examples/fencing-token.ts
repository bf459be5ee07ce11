import { DurableObject } from "cloudflare:workers";
import { fenceStorage, isLockError } from "durable-locks";

/** A resource that protects itself: it refuses a write under a lease that is older than the newest it has seen. */
export class Ledger extends DurableObject {
  /** Writes a value. Returns false, and changes nothing, if a newer lease has already written. */
  write(lease: number, value: string): boolean {
    const { storage } = this.ctx;
    try {
      fenceStorage(storage, "ledger", lease, () => storage.kv.put("value", value));
      return true;
    } catch (error) {
      if (isLockError(error, "STALE_LEASE")) return false;
      throw error;
    }
  }

  /** The value written last. */
  read(): string | undefined {
    return this.ctx.storage.kv.get<string>("value");
  }
}
