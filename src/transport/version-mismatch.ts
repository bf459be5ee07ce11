import { mismatchOf, PROTOCOL } from "../core/protocol.ts";
import { LockError } from "../errors.ts";

/** A refusal as any version of the object may answer it. */
interface Refusal {
  reason: string;
  argument?: string;
  message?: string;
}

/** The options that this client adds to what its caller has given, and that the first version does not know. */
const ADDED = new Set(["protocol", "longPoll"]);

const ADVICE =
  "The object runs another version of durable-locks than this client, or another class is bound: deploy both from one version, and look at the binding.";

/** What to throw for a refusal that this version of the object never gives to what was asked. */
export function unexpectedRefusal({ reason, argument, message }: Refusal): LockError {
  if (reason === "INVALID_ARGUMENT")
    return new LockError(reason, message ?? "The object refused an argument.", { argument });
  return new LockError("VERSION_MISMATCH", `The object refused for a reason unknown here, ${reason}. ${ADVICE}`);
}

/** Throws `VERSION_MISMATCH` if an object answered that. The call has had no effect then. */
export function checkAnswered(reply: unknown): void {
  if (typeof reply !== "object" || reply === null || !("reason" in reply)) return;
  const { reason, argument, message } = reply as Refusal;
  if (reason === "VERSION_MISMATCH") throw new LockError(reason, message ?? ADVICE);
  // The first version refuses every option that it does not know, also those that no caller has given.
  const isUnknown = reason === "INVALID_ARGUMENT" && message?.startsWith("unknown option");
  if (!isUnknown || !ADDED.has(argument ?? "")) return;
  const object = { name: "the object", protocol: undefined };
  throw new LockError("VERSION_MISMATCH", mismatchOf({ name: "this client", protocol: PROTOCOL }, object));
}

/** What to throw if an older object lacks the method that was called; undefined if that is not what is wrong. */
export function missingMethod(error: unknown): LockError | undefined {
  // By its text (workerd of 2026-08): it has neither a class nor a flag of its own.
  if (!(error instanceof Error) || !error.message.startsWith("The RPC receiver does not implement")) return undefined;
  return new LockError("VERSION_MISMATCH", `${error.message} ${ADVICE}`, { cause: error });
}
