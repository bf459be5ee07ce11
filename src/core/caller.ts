import { checkFlag, checkOptions, checkText } from "./checks.ts";
import { LIMITS } from "./limits.ts";
import { type ProtocolOption, checkProtocol } from "./protocol.ts";
import type { OtherTokenReply } from "./replies.ts";

/**
 * Who calls through the lock service.
 *
 * A call over RPC has no caller, because a Worker with the binding may do anything.
 */
export interface Caller {
  /** The name of the caller's token, at most 64 bytes. The caller's leases and waiting requests belong to that name. */
  tokenName: string;
  /** Whether the caller may renew, convert and end leases, and cancel requests, that belong to another token name. */
  isAdmin: boolean;
}

/** The options that this package itself adds to a call. */
export interface CallerOption extends ProtocolOption {
  /** On whose behalf the lock service calls. Only the lock service sends it. @default none */
  caller?: Caller;
}

/** Separates the options that this package adds to a call from the rest, and checks them. The call checks the rest. */
export function takeCaller<T extends object>(
  options: (T & CallerOption) | null | undefined,
): { caller: Caller | undefined; rest: T | null | undefined } {
  if (typeof options !== "object" || options === null) return { caller: undefined, rest: options };
  if (!Object.hasOwn(options, "caller") && !Object.hasOwn(options, "protocol"))
    return { caller: undefined, rest: options };
  const { caller, protocol, ...rest } = options;
  checkProtocol(protocol);
  return { caller: caller === undefined ? undefined : checkCaller(caller), rest: rest as unknown as T };
}

function checkCaller(value: unknown): Caller {
  const { tokenName, isAdmin } = checkOptions(value, ["tokenName", "isAdmin"], "caller");
  return {
    tokenName: checkText(tokenName, "caller.tokenName", LIMITS.maxTokenNameBytes),
    isAdmin: checkFlag(isAdmin, "caller.isAdmin"),
  };
}

/** Separates token name and id. Neither can contain a lone surrogate, so no id from a caller looks like a scoped id. */
const SEPARATOR = "\ud800";

/** Finds only a lone surrogate. `indexOf` would also find half of a character such as U+10000 in a name or an id. */
const LONE_SEPARATOR = /\ud800/u;

/** A request id as the lock stores it: prefixed with the token name if the request came through the lock service. */
export function scopedTo(tokenName: string | undefined, requestId: string): string {
  return tokenName === undefined ? requestId : `${tokenName}${SEPARATOR}${requestId}`;
}

/** The token name that a request belongs to; undefined for a request over RPC. */
export function tokenNameOf(requestId: string): string | undefined {
  const end = requestId.search(LONE_SEPARATOR);
  return end < 0 ? undefined : requestId.slice(0, end);
}

/** The id as the caller gave it. */
export function givenId(requestId: string): string {
  return requestId.slice(requestId.search(LONE_SEPARATOR) + 1);
}

export const OTHER_TOKEN: OtherTokenReply = { success: false, reason: "OTHER_TOKEN" };

/**
 * Refuses a caller if the lease or waiting request belongs to another token name; undefined if the caller may continue.
 */
export function refusalTo(caller: Caller | undefined, owned: { requestId: string }): OtherTokenReply | undefined {
  const mayDoIt = !caller || caller.isAdmin || caller.tokenName === tokenNameOf(owned.requestId);
  return mayDoIt ? undefined : OTHER_TOKEN;
}
