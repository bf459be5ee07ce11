import { type Stats, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { EXIT, Failure } from "./exit-codes.ts";

/** Where the service is, and what admits to it. */
export interface Access {
  url: string;
  token: string;
}

/** What flags can say of it. */
export interface AccessFlags {
  url?: string | undefined;
  token?: string | undefined;
  "token-file"?: string | undefined;
  config?: string | undefined;
}

interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
}

/** The file that is looked for here and in all folders above. */
const FILE = "durable-locks.json";
const KNOWN = ["url", "token", "tokenFile"];
const START = "`npx durable-locks dev` starts a service on this machine.";

/** Each value from the first that has it: flags, the environment, the file. */
export function findAccess(flags: AccessFlags, { env, cwd }: Surroundings): Access {
  const fromEnv = { url: env["DURABLE_LOCKS_URL"], token: env["DURABLE_LOCKS_TOKEN"] };
  const flagged = flags.token ?? (flags["token-file"] && readToken(flags["token-file"]));
  const settings = readSettings(flags.config, cwd);
  const url = flags.url ?? (fromEnv.url || settings.url);
  if (!url) throw missing(`No URL: give --url, DURABLE_LOCKS_URL, or "url" in ${FILE}. ${START}`);
  const token = flagged ?? (fromEnv.token || settings.token());
  if (!token) throw missing(`No token: give --token-file, DURABLE_LOCKS_TOKEN, or "tokenFile" in ${FILE}.`);
  return { url, token };
}

interface Settings {
  url?: string | undefined;
  /** Only looked at if it is needed. */
  token(): string | undefined;
}

function readSettings(named: string | undefined, cwd: string): Settings {
  const path = named === undefined ? search(cwd) : resolve(cwd, named);
  if (path === undefined) return { token: () => undefined };
  const stats = statOf(path);
  checkOwner(path, stats);
  const { url, token, tokenFile } = parse(path);
  return {
    url,
    token: () => {
      if (tokenFile !== undefined) return readToken(resolve(dirname(path), tokenFile));
      if (token !== undefined) checkPrivate(path, stats);
      return token;
    },
  };
}

function search(folder: string): string | undefined {
  const path = join(folder, FILE);
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  const above = dirname(folder);
  return above === folder ? undefined : search(above);
}

function parse(path: string): { url?: string; token?: string; tokenFile?: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    // The parser's own words quote the text, and the text may be the token.
    throw missing(`${path} can't be read as JSON.`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw missing(`${path} must hold an object of ${KNOWN.join(", ")}.`);
  const wrong = Object.entries(parsed).find(([key, value]) => !KNOWN.includes(key) || typeof value !== "string");
  if (wrong) throw missing(`"${wrong[0]}" in ${path}: it knows ${KNOWN.join(", ")}, each a string.`);
  return parsed;
}

/** A token from a file, which only its owner should be able to read. */
function readToken(path: string): string {
  const stats = statOf(path);
  // A pipe, such as <(pass show locks), is nobody else's to read.
  if (stats.isFile()) checkPrivate(path, stats);
  const token = readFileSync(path, "utf8").trim();
  if (token === "") throw missing(`${path} holds no token.`);
  return token;
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch {
    throw missing(`${path} can't be read.`);
  }
}

function checkPrivate(path: string, stats: Stats): void {
  if (process.platform === "win32" || (stats.mode & 0o007) === 0) return;
  throw missing(`${path} holds a token and everybody on this machine can read it: chmod 600 ${path}`);
}

/** A file that was found in a folder above may be anybody's, and would name the service that gets the token. */
function checkOwner(path: string, stats: Stats): void {
  const me = process.getuid?.();
  if (me === undefined || ((stats.uid === me || stats.uid === 0) && (stats.mode & 0o002) === 0)) return;
  throw missing(
    `${path} belongs to another user or is writable by everybody, so it is not trusted to name the service.`,
  );
}

function missing(message: string): Failure {
  return new Failure(EXIT.config, message);
}
