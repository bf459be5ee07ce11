import { type Stats, lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { EXIT, Failure } from "../terminal/exit-codes.ts";
import { printable as show } from "../terminal/reporter.ts";

/** The URL of the service and the token. */
export interface FoundAccess {
  url: string;
  token: string;
}

/** The flags that set them. */
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

/** The file to look for, here and in all folders above. */
const FILE = "durable-locks.json";
const KNOWN = ["url", "token", "tokenFile"];
const START = "`npx durable-locks dev` starts a service on this machine.";

/**
 * Takes each value from the first source that has it: flags, the environment, the file.
 *
 * The user vouches for a file that the flags or the environment name. A file that this program finds may come from a
 * stranger, in a clone or an archive. It must not choose where the user's secrets go, or which secret its service gets.
 */
export function findAccess(flags: AccessFlags, { env, cwd }: Surroundings): FoundAccess {
  const fromEnv = { url: env["DURABLE_LOCKS_URL"], token: env["DURABLE_LOCKS_TOKEN"] };
  const given = {
    url: flags.url ?? (fromEnv.url || undefined),
    token:
      flags.token ?? (flags["token-file"] === undefined ? fromEnv.token || undefined : readToken(flags["token-file"])),
  };
  const named = flags.config ?? (env["DURABLE_LOCKS_CONFIG"] || undefined);
  const file = named === undefined ? undefined : readFile(resolve(cwd, named), (tokenFile) => tokenFile);
  // Look for a file only if one is needed: a stranger's file must not block a call that does not need it.
  if (named !== undefined || (given.url && given.token)) return complete(given, file);
  const path = search(cwd);
  if (path === undefined) return complete(given, undefined);
  return complete(given, readFound({ path, typed: quote(path === join(cwd, FILE) ? `./${FILE}` : path) }, given));
}

/** What the flags and the environment say. */
type Given = { [Key in keyof FoundAccess]: FoundAccess[Key] | undefined };

/** What a file says. */
interface Settings {
  url?: string | undefined;
  /** Reads the token, or throws. Call it only if the token is needed. */
  token(): string | undefined;
}

function complete(given: Given, file: Settings | undefined): FoundAccess {
  const url = given.url ?? file?.url;
  if (!url) throw missing(`No URL: give --url, set DURABLE_LOCKS_URL, or write "url" in ${FILE}. ${START}`);
  const token = given.token ?? file?.token();
  if (!token) throw missing(`No token: give --token-file, set DURABLE_LOCKS_TOKEN, or write "tokenFile" in ${FILE}.`);
  return { url, token };
}

/** Reads a file; `check` says which file holds the token, or throws. */
function readFile(path: string, check: (tokenFile: string) => string): Settings {
  const { url, token, tokenFile } = parse(path);
  return {
    url,
    token: () => {
      if (tokenFile !== undefined) return readToken(check(resolve(dirname(path), tokenFile)));
      if (token !== undefined) checkPrivate(path, statOf(path));
      return token;
    },
  };
}

/** A file that was found, and how to name it on a command line. */
interface Found {
  path: string;
  typed: string;
}

/** Reads a found file. Its URL gets only the token from the same file, and no other secret of the user. */
function readFound(found: Found, given: Given): Settings {
  const { path, typed } = found;
  checkOwner(found);
  const settings = readFile(path, (tokenFile) => insideOf(found, tokenFile));
  const { url } = settings;
  if (url && !given.url && given.token)
    throw missing(
      `The URL comes from ${show(path)}. That file was found and not named, so it can't choose where your token goes. ` +
        `If you trust it, type \`--url ${quote(url)}\` or \`--config ${typed}\`.`,
    );
  return settings;
}

/** Resolves all links, so that this program reads the file that it has checked. */
function insideOf({ path, typed }: Found, file: string): string {
  const real = realPath(file);
  if (real.startsWith(join(realPath(dirname(path)), sep))) return real;
  throw missing(
    `"tokenFile" in ${show(path)} leads out of its folder. That file was found and not named, so it can't choose which ` +
      `of your files is sent away. If you trust it, type \`--config ${typed}\`.`,
  );
}

/** Quotes a word for a shell. A stranger's file may contain it, and the user is going to copy it. */
function quote(word: string): string {
  const shown = show(word);
  return /^[\w./:@%+-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

function search(folder: string): string | undefined {
  const path = join(folder, FILE);
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  const above = dirname(folder);
  return above === folder ? undefined : search(above);
}

function parse(path: string): { url?: string; token?: string; tokenFile?: string } {
  const text = readText(path);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Don't repeat the parser's message: it quotes the text, and the text may be the token.
    throw missing(`${show(path)} is not valid JSON.`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw missing(`${show(path)} must contain an object with ${KNOWN.join(", ")}.`);
  const wrong = Object.entries(parsed).find(([key, value]) => !KNOWN.includes(key) || typeof value !== "string");
  if (wrong)
    throw missing(
      `"${show(wrong[0])}" in ${show(path)} is unknown or not a string: write ${KNOWN.join(", ")}, each a string.`,
    );
  return parsed;
}

/** A token from a file, which only its owner should be able to read. */
function readToken(path: string): string {
  const stats = statOf(path);
  // Skip a pipe, such as <(pass show locks): nobody else can read it.
  if (stats.isFile()) checkPrivate(path, stats);
  const token = readText(path).trim();
  if (token === "") throw missing(`${show(path)} is empty: write the token in it.`);
  return token;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw unreadable(path, error);
  }
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function checkPrivate(path: string, stats: Stats): void {
  if (process.platform === "win32" || (stats.mode & 0o007) === 0) return;
  throw missing(`${show(path)} contains a token, and everybody on this machine can read it: chmod 600 ${quote(path)}`);
}

/** Refuses a found file that others own or can write: they could name the service that gets the token. */
function checkOwner({ path, typed }: Found): void {
  const me = process.getuid?.();
  if (me === undefined) return;
  const stats = statOf(path);
  // Check the owner of a link too: that user has chosen its target.
  const owners = [stats.uid, lstatSync(path).uid];
  if (owners.every((owner) => owner === me || owner === 0) && (stats.mode & 0o002) === 0) return;
  throw missing(
    `${show(path)} belongs to another user or is writable by everybody, so it is not trusted to name the service. ` +
      `If you trust it, type \`--config ${typed}\`.`,
  );
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): Failure {
  const { code } = error as NodeJS.ErrnoException;
  return missing(`${show(path)} can't be read (${code === "ENOENT" ? "there is no such file" : code}).`);
}

function missing(message: string): Failure {
  return new Failure(EXIT.config, message);
}
