import type { Caller } from "../../core/caller.ts";
import { LIMITS } from "../../core/limits.ts";

/** What a token may do: "read" looks, "lock" takes and ends leases, "admin" ends those of others. */
export type Action = "read" | "lock" | "admin";

const ACTIONS = ["read", "lock", "admin"] as const satisfies Action[];

/** The caller that a token stands for, and what it may do. */
export interface Grantee {
  name: string;
  /** The token covers the ids that begin with one of these. */
  prefixes: string[];
  actions: Action[];
}

interface Token extends Grantee {
  token: string;
}

/** What a header can carry. A text that begins with `{` or `"` is probably broken JSON, so it is not a token. */
const SENDABLE = /^(?![{"])[\x21-\x7e]*$/;

/** A random token with this many characters is practically impossible to guess. */
const SHORTEST_TOKEN = 16;
const MOST_TOKENS = 100;

const A_TOKEN = `${SHORTEST_TOKEN} or more ASCII characters without spaces`;

const HOW_TO =
  'Set the secret TOKENS (`wrangler secret put TOKENS`) to one random token of 16 characters or more, or to JSON such as [{"name":"ci","token":"…","prefixes":["ci/"],"actions":["read","lock"]}].';

/** The tokens of a service. If there are none, it says why nobody has access. */
export class Access {
  readonly #tokens: (Grantee & { hash: Promise<ArrayBuffer> })[];
  /** Tells the operator why nobody has access; undefined if the tokens are valid. */
  readonly notConfigured: string | undefined;

  constructor(tokens: string | undefined) {
    const parsed = parseTokens(tokens);
    this.notConfigured = typeof parsed === "string" ? `${parsed} ${HOW_TO}` : undefined;
    this.#tokens =
      typeof parsed === "string" ? [] : parsed.map(({ token, ...rest }) => ({ ...rest, hash: hashOf(token) }));
  }

  /**
   * Finds the grantee of a token; undefined if the token is unknown.
   *
   * It compares the hashes of all tokens, in constant time, so the time taken reveals neither a token nor its length.
   */
  async authenticate(token: string): Promise<Grantee | undefined> {
    const given = await hashOf(token);
    let found: Grantee | undefined;
    for (const { hash, ...grantee } of this.#tokens)
      if (crypto.subtle.timingSafeEqual(await hash, given)) found = grantee;
    return found;
  }
}

/** The caller for whom the service calls the object. Tokens of one name share their leases, so tokens can rotate. */
export function callerOf(grantee: Grantee, id: string): Caller {
  return { tokenName: grantee.name, isAdmin: allows(grantee, "admin", id) };
}

/** Whether the grantee may do this to the lock with this id, or to all locks whose ids begin with it. */
export function allows({ prefixes, actions }: Grantee, action: Action, id: string): boolean {
  return actions.includes(action) && prefixes.some((prefix) => id.startsWith(prefix));
}

function isToken(text: string): boolean {
  return text.length >= SHORTEST_TOKEN && SENDABLE.test(text);
}

/** A name is short because it is stored with each lease, and well-formed because it is stored as UTF-8. */
function isName(name: string): boolean {
  return name.isWellFormed() && new TextEncoder().encode(name).length <= LIMITS.maxTokenNameBytes;
}

function hashOf(token: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
}

/** The tokens, or what is wrong with them. The message never quotes `tokens`, which is secret. */
function parseTokens(tokens: string | undefined): Token[] | string {
  const text = tokens?.trim() ?? "";
  if (text === "") return "No token is set, so nobody has access.";
  if (!text.startsWith("["))
    return isToken(text)
      ? [{ name: "default", token: text, prefixes: [""], actions: [...ACTIONS] }]
      : `TOKENS is neither ${A_TOKEN} nor a JSON list of tokens, so nobody has access.`;
  try {
    return tokensOf(JSON.parse(text));
  } catch (error) {
    return error instanceof BadToken ? error.message : "TOKENS is not valid JSON, so nobody has access.";
  }
}

class BadToken extends Error {}

function tokensOf(parsed: unknown): Token[] {
  const list = parsed as unknown[];
  if (list.length === 0 || list.length > MOST_TOKENS)
    throw new BadToken(`TOKENS must list 1 to ${MOST_TOKENS} tokens; nobody has access.`);
  const tokens = list.map(tokenOf);
  if (new Set(tokens.map(({ token }) => token)).size < tokens.length)
    throw new BadToken("TOKENS lists a token twice, so it is unclear what that token may do; nobody has access.");
  tokens.forEach(checkNamesakes);
  return tokens;
}

/** Entries with the same name are one owner, so they must allow the same. Two are enough to replace a token. */
function checkNamesakes({ name, prefixes, actions }: Token, index: number, tokens: Token[]): void {
  const others = tokens.slice(0, index).filter((other) => other.name === name);
  const wrong = (what: string) => new BadToken(`Entry ${index + 1} of TOKENS ${what}; nobody has access.`);
  if (others.length > 1)
    throw wrong("is the third with its name: only two entries may share a name, so that you can replace a token");
  if (others.some((other) => !isSameSet(other.prefixes, prefixes) || !isSameSet(other.actions, actions)))
    throw wrong("has the name of another entry, but not the same prefixes and actions");
}

function isSameSet(some: string[], others: string[]): boolean {
  return some.every((item) => others.includes(item)) && others.every((item) => some.includes(item));
}

const KNOWN = ["name", "token", "prefixes", "actions"];

function tokenOf(entry: unknown, index: number): Token {
  const wrong = (what: string) => new BadToken(`Entry ${index + 1} of TOKENS ${what}; nobody has access.`);
  if (typeof entry !== "object" || entry === null) throw wrong("is not an object");
  const { name, token, prefixes = [""], actions = ["read", "lock"] } = entry as Record<string, unknown>;
  if (Object.keys(entry).some((key) => !KNOWN.includes(key))) throw wrong(`has a field other than ${KNOWN.join(", ")}`);
  if (typeof name !== "string" || name === "") throw wrong("has no name");
  if (!isName(name)) throw wrong(`has a name that is not a text of at most ${LIMITS.maxTokenNameBytes} bytes of UTF-8`);
  if (typeof token !== "string" || !isToken(token)) throw wrong(`has no token, which is ${A_TOKEN}`);
  if (!isListOf(prefixes, (prefix) => typeof prefix === "string"))
    throw wrong("has prefixes that are not a list of texts");
  if (!isListOf(actions, (action) => (ACTIONS as unknown[]).includes(action)))
    throw wrong(`has actions other than ${ACTIONS.join(", ")}`);
  return { name, token, prefixes: prefixes as string[], actions: actions as Action[] };
}

/** Rejects an empty list: a token that may do nothing is certainly a mistake. */
function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isItem);
}
