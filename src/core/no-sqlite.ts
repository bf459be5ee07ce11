import { LockError } from "../errors.ts";

/**
 * Callers recognise the error by this text: with older compatibility dates, only an error's message gets through RPC.
 */
const NO_SQLITE = "has no SQLite storage";

const ADVICE =
  'List it under "new_sqlite_classes" and not under "new_classes", in the migrations of the Worker that exports it. If it is already deployed, export it under another name and bind that name: the storage of a class can\'t be changed.';

/** What workerd's error says if the class has no SQLite storage. Any other error is a temporary storage fault. */
const NOT_ENABLED = /SQL is not enabled/;

/** The SQLite storage of a Durable Object. Throws `INVALID_ARGUMENT` if its class was created without SQLite. */
export function sqlOf<T extends { readonly databaseSize: number }>({ sql }: { readonly sql: T }): T {
  try {
    // `sql` always exists, but without SQLite every access to it throws.
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

/** Whether a call failed because the bound class was created without SQLite. */
export function isNoSqlite(error: unknown): boolean {
  return error instanceof Error && error.message.includes(NO_SQLITE);
}

/** The error to throw to a caller whose binding leads to such a class. */
export function noSqlite(cause: unknown): LockError {
  const message = `The class that the namespace is bound to ${NO_SQLITE}. ${ADVICE}`;
  return new LockError("INVALID_ARGUMENT", message, { argument: "namespace", cause });
}
