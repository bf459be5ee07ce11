import { LockError } from "../errors.ts";

/** Callers recognise the error by this text: at older compatibility dates nothing but its message gets through RPC. */
const NO_SQLITE = "has no SQLite storage";

const ADVICE =
  'List it under "new_sqlite_classes" and not under "new_classes" in the migrations of the Worker that exports it. If it is deployed already, export it under another name and bind that: the storage of a class can\'t be changed.';

/** What workerd says of it. Whatever else fails is a fault of the storage, which passes. */
const NOT_ENABLED = /SQL is not enabled/;

/** The SQLite of a Durable Object. Throws `INVALID_ARGUMENT` if its class was created without. */
export function sqlOf<T extends { readonly databaseSize: number }>({ sql }: { readonly sql: T }): T {
  try {
    // There is always an `sql`, but without SQLite whatever it is asked for throws.
    void sql.databaseSize;
    return sql;
  } catch (cause) {
    if (!NOT_ENABLED.test(String(cause))) throw cause;
    throw new LockError("INVALID_ARGUMENT", `The class of this Durable Object ${NO_SQLITE}. ${ADVICE}`, {
      argument: "storage",
      cause,
    });
  }
}

/** Whether a call failed because the class that is bound was created without SQLite. */
export function isNoSqlite(error: unknown): boolean {
  return error instanceof Error && error.message.includes(NO_SQLITE);
}

/** What to throw to a caller whose binding leads to such a class. */
export function noSqlite(cause: unknown): LockError {
  const message = `The class that namespace is bound to ${NO_SQLITE}. ${ADVICE}`;
  return new LockError("INVALID_ARGUMENT", message, { argument: "namespace", cause });
}
