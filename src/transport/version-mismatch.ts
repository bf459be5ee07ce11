import { mismatchOf, PROTOCOL } from "../core/protocol.ts";
import { LockError } from "../errors.ts";

/** A refusal from an object of any version. */
interface Refusal {
  reason: string;
  argument?: string;
  message?: string;
}

/** The options that this client adds to its caller's, and that the first version of the object does not know. */
const ADDED = new Set(["protocol", "longPoll"]);

const ADVICE =
  "The object runs another version of durable-locks than this client, or another class is bound: deploy both from one version, and check the binding.";

/** What to throw for a refusal that this version of the object never gives to the request. */
export function unexpectedRefusal({ reason, argument, message }: Refusal): LockError {
  if (reason === "INVALID_ARGUMENT")
    return new LockError(reason, message ?? "The object refused an argument.", { argument });
  return new LockError(
    "VERSION_MISMATCH",
    `The object refused for a reason that this client does not know, ${reason}. ${ADVICE}`,
  );
}

/** Throws `VERSION_MISMATCH` if an object of another version answered. The call has had no effect then. */
export function checkAnswered(reply: unknown): void {
  if (typeof reply !== "object" || reply === null || !("reason" in reply)) return;
  const { reason, argument, message } = reply as Refusal;
  if (reason === "VERSION_MISMATCH") throw new LockError(reason, message ?? ADVICE);
  // The first version refuses every option that it does not know, including those that this client has added.
  const isUnknown = reason === "INVALID_ARGUMENT" && message?.startsWith("unknown option");
  if (!isUnknown || !ADDED.has(argument ?? "")) return;
  const object = { name: "the object", protocol: undefined };
  throw new LockError("VERSION_MISMATCH", mismatchOf({ name: "this client", protocol: PROTOCOL }, object));
}

/** What to throw if an older object lacks the called method; undefined for any other error. */
export function missingMethod(error: unknown): LockError | undefined {
  // Recognise the error by its text (workerd of 2026-08): it has neither a class nor a flag of its own.
  if (!(error instanceof Error) || !error.message.startsWith("The RPC receiver does not implement")) return undefined;
  return new LockError("VERSION_MISMATCH", `${error.message} ${ADVICE}`, { cause: error });
}
