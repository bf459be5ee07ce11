/**
 * The header with the protocol number, on requests and on responses.
 *
 * A request may lack it, for example from `curl`: then only the schema of the route decides. A response always has it.
 */
export const PROTOCOL_HEADER = "Durable-Locks-Protocol";

/** The protocol number in a header; undefined if the header is absent or not a number. */
export function protocolOf(header: string | null | undefined): number | undefined {
  return header && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}
