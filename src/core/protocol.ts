import { LockError } from "../errors.ts";

/**
 * The number of the protocol between callers and objects, and between clients and the service; see docs/versions.md.
 *
 * Raise it with every change after which one side could misunderstand the other. The first package had no number.
 */
export const PROTOCOL = 2;

/** What the clients of this package add to the options of a call. A caller may also name no protocol. */
export interface ProtocolOption {
  /** The number of the protocol that the caller speaks. @default none */
  protocol?: number;
}

/** Refuses a caller of another protocol before its call has any effect. */
export function checkProtocol(protocol: unknown): void {
  if (protocol === undefined || protocol === PROTOCOL) return;
  const spoken = typeof protocol === "number" ? protocol : undefined;
  const [caller, object] = [
    { name: "the client", protocol: spoken },
    { name: "the object", protocol: PROTOCOL },
  ];
  throw new LockError("VERSION_MISMATCH", mismatchOf(caller, object));
}

/** One of two sides that differ. */
interface Side {
  /** What it is called in a sentence. */
  name: string;
  /** Undefined for a version that has no number. */
  protocol: number | undefined;
}

/** What is wrong between two sides that speak different protocols, and what to deploy. */
export function mismatchOf(caller: Side, callee: Side): string {
  const older = (callee.protocol ?? 0) < (caller.protocol ?? 0) ? callee : caller;
  const [left = "", right] = [caller, callee].map(({ name, protocol }) => `${name} speaks ${protocolNamed(protocol)}`);
  return `${left.charAt(0).toUpperCase()}${left.slice(1)}, and ${right}. Update durable-locks in ${older.name}, and deploy it.`;
}

function protocolNamed(protocol: number | undefined): string {
  return protocol === undefined ? "an older protocol that has no number" : `protocol ${protocol}`;
}
