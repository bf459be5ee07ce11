import { checkFlag, checkOptions, checkText } from "./checks.ts";
import { LIMITS } from "./limits.ts";
import { type ProtocolOption, checkProtocol } from "./protocol.ts";
import type { OtherTokenReply } from "./replies.ts";

/** Who calls through the lock service. A call over RPC has no caller, because a Worker with the binding may do everything. */
export interface Caller {
  /** The name of its token, at most 64 bytes: what it takes belongs to that name. */
  tokenName: string;
  /** Whether it may end, renew and convert what belongs to another name. */
  isAdmin: boolean;
}

/** What this package adds to the options of a call. */
export interface CallerOption extends ProtocolOption {
  /** For whom the lock service calls. Only the lock service sends it. @default none */
  caller?: Caller;
}

/** Takes the options that this package adds out of the options of a call, and checks them; the call itself checks the rest. */
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

/** Separates name and id. Neither contains a lone surrogate, so no id that a caller gives can look like a scoped one. */
const SEPARATOR = "\ud800";

/** Finds only a lone one: `indexOf` would also find the half of a character such as U+10000 in a name or an id. */
const LONE_SEPARATOR = /\ud800/u;

/** A request id as the lock knows it: together with the name of the token whose request it is, if a token made it. */
export function scopedTo(tokenName: string | undefined, requestId: string): string {
  return tokenName === undefined ? requestId : `${tokenName}${SEPARATOR}${requestId}`;
}

/** The name of the token whose request it is; undefined for one over RPC. */
export function tokenNameOf(requestId: string): string | undefined {
  const end = requestId.search(LONE_SEPARATOR);
  return end < 0 ? undefined : requestId.slice(0, end);
}

/** The id as its caller gave it. */
export function givenId(requestId: string): string {
  return requestId.slice(requestId.search(LONE_SEPARATOR) + 1);
}

export const OTHER_TOKEN: OtherTokenReply = { success: false, reason: "OTHER_TOKEN" };

/** Refuses a caller if this lease or waiting request belongs to another name; undefined if the caller may continue. */
export function refusalTo(caller: Caller | undefined, owned: { requestId: string }): OtherTokenReply | undefined {
  const mayDoIt = !caller || caller.isAdmin || caller.tokenName === tokenNameOf(owned.requestId);
  return mayDoIt ? undefined : OTHER_TOKEN;
}
