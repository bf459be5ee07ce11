import { LockError } from "../errors.ts";

/**
 * The version of the protocol between callers and objects, and between clients and the service; see docs/versions.md.
 *
 * Raise it with every change that could make one side misunderstand the other. The first version had no number.
 */
export const PROTOCOL = 2;

/** An option that the clients of this package add to a call. Other callers may leave it out. */
export interface ProtocolOption {
  /** The version of the protocol that the caller speaks. @default none */
  protocol?: number;
}

/** Throws for a caller that speaks another protocol, before its call has any effect. */
export function checkProtocol(protocol: unknown): void {
  if (protocol === undefined || protocol === PROTOCOL) return;
  const spoken = typeof protocol === "number" ? protocol : undefined;
  const [caller, object] = [
    { name: "the client", protocol: spoken },
    { name: "the object", protocol: PROTOCOL },
  ];
  throw new LockError("VERSION_MISMATCH", mismatchOf(caller, object));
}

/** One of the two sides of a mismatch. */
interface Side {
  /** Its name in a sentence. */
  name: string;
  /** Undefined for a protocol that has no number. */
  protocol: number | undefined;
}

/** The message for two sides that speak different protocols: what differs, and what to deploy. */
export function mismatchOf(caller: Side, callee: Side): string {
  const older = (callee.protocol ?? 0) < (caller.protocol ?? 0) ? callee : caller;
  const [left = "", right] = [caller, callee].map(({ name, protocol }) => `${name} speaks ${protocolNamed(protocol)}`);
  return `${left.charAt(0).toUpperCase()}${left.slice(1)}, and ${right}. Update durable-locks in ${older.name}, and deploy it.`;
}

function protocolNamed(protocol: number | undefined): string {
  return protocol === undefined ? "an older protocol that has no number" : `protocol ${protocol}`;
}
