import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What the examples of the pages take for granted. */
const GIVEN = `
interface Env {
  DURABLE_LOCK: DurableObjectNamespace<DurableLock>;
  DURABLE_RENDEZVOUS: DurableObjectNamespace<DurableRendezvous>;
  DB: D1Database;
  BUCKET: R2Bucket;
  TOKENS: string;
}
interface Held { signal: AbortSignal; lease: number }
declare const env: Env;
declare const lock: Lock;
declare const locks: Env["DURABLE_LOCK"];
declare const held: HeldLease;
declare const lease: number;
declare const signal: AbortSignal;
declare const shutdown: AbortSignal;
declare const balance: number;
declare const price: number;
declare const report: object;
declare const url: string;
declare const token: string;
declare const body: string;
declare const request: Request;
declare const event: { id: string };
declare function advance(resource: string, lease: number): Promise<number>;
declare function sql(strings: TemplateStringsArray, ...values: unknown[]): Promise<{ lease: string }[]>;
declare namespace sql { function begin(work: (tx: typeof sql) => Promise<void>): Promise<void> }
declare function work(held: Held): Promise<void>;
declare function render(): Promise<string>;
declare function train(held: Held): Promise<void>;
declare function transfer(amount: number, how: { signal: AbortSignal; fencingTokens: readonly number[] }): Promise<void>;
declare function book(what: typeof event, lease: number): Promise<string>;
declare function runDueJobs(how: { signal: AbortSignal; term: number }): Promise<void>;
declare function importProducts(lease: number): Promise<void>;
declare function verify(): Promise<void>;
declare function sync(how: { signal: AbortSignal | undefined }): Promise<void>;
declare function stopSoon(): void;
`;

/** The TypeScript of all pages, each block as the body of a function unless it is a whole Worker, in a project where the package is installed. */
export async function layOutPages(project: string, root: string): Promise<void> {
  const folder = join(project, "src/pages");
  await mkdir(folder);
  const ofClient = 'import { connectLocks } from "durable-locks/client";\n';
  const imports = ofClient + importsOf(await doorOf(root, "index.ts"));
  for (const page of await readdir(join(root, "docs"))) {
    if (!page.endsWith(".md")) continue;
    const text = await readFile(join(root, "docs", page), "utf8");
    for (const [n, [, block = ""]] of [...text.matchAll(/```ts\n(.*?)```/gs)].entries()) {
      // That one is no Worker.
      if (block.includes("node:http")) continue;
      const code = block.replace(/^import .*\n/gm, "");
      const isModule = block.includes("export default");
      const example = isModule
        ? block.replace(/^import .* from "durable-locks";\n/gm, "")
        : `export async function example(this: { ctx: DurableObjectState }) {\n${code}}\n`;
      await writeFile(join(folder, `${page}-${n + 1}.ts`), imports + GIVEN + example);
    }
  }
}

/** A door of the package, with what it takes over from other doors. */
async function doorOf(root: string, name: string): Promise<string> {
  const text = await readFile(join(root, "src", name), "utf8");
  const others = [...text.matchAll(/^export \* from "\.\/([\w.]+)";/gm)].map(([, other = ""]) => doorOf(root, other));
  return [text, ...(await Promise.all(others))].join("\n");
}

/** Everything that the package exports, imported from it. */
function importsOf(index: string): string {
  const lists = [...index.matchAll(/^export (type )?\{([^}]*)\}/gm)];
  return lists.map(([, type = "", names = ""]) => `import ${type}{${names}} from "durable-locks";\n`).join("");
}
