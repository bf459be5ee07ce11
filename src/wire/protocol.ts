/**
 * Carries the number of the protocol, on requests and on answers.
 *
 * A request may lack it, such as one of `curl`: then only the schema of the route decides. An answer always has it.
 */
export const PROTOCOL_HEADER = "Durable-Locks-Protocol";

/** What a header says; undefined if it is absent or no number. */
export function protocolOf(header: string | null | undefined): number | undefined {
  return header && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}
