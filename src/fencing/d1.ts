import { checkLease, checkText, invalid } from "../core/checks.ts";
import { StaleLeaseError } from "../errors.ts";

const STALE = "durable_locks_stale_lease";

const CREATE = `CREATE TABLE IF NOT EXISTS durable_locks_fences (
  resource TEXT PRIMARY KEY,
  lease INTEGER NOT NULL CONSTRAINT ${STALE} CHECK (lease > 0)
) WITHOUT ROWID`;

// With a stale lease, this sets a number that the table's constraint refuses, and the failure of one statement undoes
// the whole batch. No statement of the user's can fail with the name of that constraint.
const FENCE = `INSERT INTO durable_locks_fences VALUES (?1, ?2)
  ON CONFLICT (resource) DO UPDATE SET lease = CASE WHEN excluded.lease >= lease THEN excluded.lease ELSE -1 END`;

const NEWEST = "SELECT lease FROM durable_locks_fences WHERE resource = ?1";

/**
 * Runs statements on D1 in one batch, unless a newer lease has written `resource` before.
 *
 * The fence and the statements are one transaction. If the lease is stale or a statement fails, nothing happens. The
 * first use creates the table of fences, `durable_locks_fences`.
 *
 * @param db - the database
 * @param resource - what the fence protects, such as the lock's id: 1 to 512 bytes
 * @param lease - the lease number under which the caller writes
 * @param statements - at least one
 * @returns what `db.batch(statements)` returns
 * @throws `STALE_LEASE`, `INVALID_ARGUMENT`, and what D1 throws for the statements
 * @example
 * ```ts
 * await fenceD1(env.DB, "account:42", lease, [
 *   env.DB.prepare("UPDATE accounts SET balance = ? WHERE id = 42").bind(balance),
 * ]);
 * ```
 */
export async function fenceD1<T = Record<string, unknown>>(
  db: D1Database,
  resource: string,
  lease: number,
  statements: D1PreparedStatement[],
): Promise<D1Result<T>[]> {
  checkText(resource, "resource");
  checkLease(lease);
  if (!Array.isArray(statements) || statements.length === 0)
    throw invalid("statements", "statements must be an array of at least one prepared statement.");
  try {
    const fence = [db.prepare(CREATE), db.prepare(FENCE).bind(resource, lease)];
    const results = await db.batch<T>([...fence, ...statements]);
    return results.slice(fence.length);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes(STALE)) throw error;
    const newest = await db.prepare(NEWEST).bind(resource).first<number>("lease");
    throw new StaleLeaseError(resource, lease, newest ?? lease, { cause: error });
  }
}
