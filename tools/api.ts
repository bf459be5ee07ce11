// The public API of each entry of the package, as a report in git.
//
//   node tools/api.ts           fails if the reports in etc/ are not those of what `npm run build` made
//   node tools/api.ts --write   writes them
//
// A name that is exported, or that changes, by accident can't be taken back once the package is published. So each change of a
// report is read by people.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";

const ROOT = join(import.meta.dirname, "..");
const REPORTS = join(ROOT, "etc");
/** What the package's entries are called in dist. */
const ENTRIES = ["index", "client", "http", "service"];

const isWriting = process.argv.includes("--write");
const scratch = mkdtempSync(join(tmpdir(), "api-"));

/** Makes the report of one entry in `scratch`, and answers whether it is the one in git. */
function isUnchanged(entry: string): boolean {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: join(ROOT, "package.json"),
    packageJsonFullPath: join(ROOT, "package.json"),
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: join(ROOT, `dist/${entry}.d.ts`),
      newlineKind: "lf",
      compiler: {
        overrideTsconfig: {
          files: [`dist/${entry}.d.ts`],
          compilerOptions: {
            target: "ES2022",
            module: "ESNext",
            moduleResolution: "Bundler",
            lib: ["ES2024", "ESNext.Disposable"],
            types: ["@cloudflare/workers-types"],
            strict: true,
            skipLibCheck: true,
          },
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: REPORTS,
        reportTempFolder: scratch,
        reportFileName: entry,
        // Types alone: what a docstring says is for typedoc.
        tagsToReport: {},
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
  const { succeeded, apiReportChanged } = Extractor.invoke(config, {
    localBuild: isWriting,
    messageCallback: (message) => {
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  return succeeded && !apiReportChanged;
}

/** What is different, line by line. */
function difference(entry: string): string {
  const files = [join(REPORTS, `${entry}.api.md`), join(scratch, `${entry}.api.md`)];
  try {
    return execFileSync("git", ["diff", "--no-index", ...files], { encoding: "utf8" });
  } catch (error) {
    return String((error as { stdout: unknown }).stdout);
  }
}

mkdirSync(REPORTS, { recursive: true });
const changed = ENTRIES.filter((entry) => !isUnchanged(entry));
for (const entry of changed) if (!isWriting) console.error(difference(entry));
rmSync(scratch, { recursive: true });
if (changed.length > 0 && !isWriting) {
  console.error(
    `The public API of ${changed.join(", ")} is not what etc/ says. If you meant it, read the difference name by name, run \`npm run api\`, and write an entry in CHANGELOG.md.`,
  );
  process.exitCode = 1;
}
