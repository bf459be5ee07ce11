// The public API of each entry of the package, as a report in git.
//
//   node tools/api.ts           fails if the reports in etc/ do not match the output of `npm run build`
//   node tools/api.ts --write   writes the reports
//
// An accidental export or change can't be undone once the package is published, so people review each change of a
// report. The folder is called etc/ because users of API Extractor look for reports there.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { changedNames, withoutDocs } from "./api-report.ts";

const ROOT = join(import.meta.dirname, "..");
const REPORTS = join(ROOT, "etc");
/** The names of the package's entries in dist. */
const ENTRIES = ["index", "client", "fencing", "service"];

/** The tags that API Extractor reports by default. */
const DOC_TAGS = {
  "@deprecated": false,
  "@eventProperty": false,
  "@override": false,
  "@sealed": false,
  "@virtual": false,
};

const isWriting = process.argv.includes("--write");
const scratch = mkdtempSync(join(tmpdir(), "api-"));

const fileOf = (folder: string, entry: string) => join(folder, `${entry}.api.md`);

function configOf(entry: string): ExtractorConfig {
  return ExtractorConfig.prepare({
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
        // If an option type picks fields from other types, the list of those fields is part of the API.
        includeForgottenExports: true,
        enabled: true,
        reportFolder: scratch,
        reportTempFolder: join(scratch, "temp"),
        reportFileName: entry,
        // Only types: docstrings are for typedoc.
        tagsToReport: DOC_TAGS,
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
}

/** The report of an entry in dist, as API Extractor writes it. */
function reportOf(entry: string): string {
  if (!existsSync(join(ROOT, `dist/${entry}.d.ts`)))
    throw new Error(`dist/${entry}.d.ts is missing: run \`npm run build\` first.`);
  const { errorCount } = Extractor.invoke(configOf(entry), {
    // Otherwise it would not write a report that does not exist yet.
    localBuild: true,
    messageCallback: (message) => {
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  if (errorCount > 0) throw new Error(`dist/${entry}.d.ts has errors: see above.`);
  return withoutDocs(readFileSync(fileOf(scratch, entry), "utf8"));
}

/** The report in git, or an empty one if there is none. */
function committedReportOf(entry: string): string {
  const file = fileOf(REPORTS, entry);
  return existsSync(file) ? readFileSync(file, "utf8").replaceAll("\r\n", "\n") : "";
}

/** The difference, line by line. */
function difference(entry: string, before: string, after: string): string {
  const files = [join(scratch, `${entry} in etc`), join(scratch, `${entry} in dist`)] as const;
  writeFileSync(files[0], before);
  writeFileSync(files[1], after);
  try {
    return execFileSync("git", ["diff", "--no-index", ...files], { encoding: "utf8" });
  } catch (error) {
    return String((error as { stdout: unknown }).stdout);
  }
}

/** Whether an entry differs from its report. If so, shows how. */
function isChanged(entry: string): boolean {
  const before = committedReportOf(entry);
  const after = reportOf(entry);
  if (before === after) return false;
  console.error(difference(entry, before, after));
  const names = changedNames(before, after).map((name) => `\n  ${name}`);
  console.error(`The public API of ${entry} differs from etc/${entry}.api.md:${names.join("")}\n`);
  return true;
}

function write(entry: string): void {
  mkdirSync(REPORTS, { recursive: true });
  writeFileSync(fileOf(REPORTS, entry), reportOf(entry));
}

try {
  if (isWriting) ENTRIES.forEach(write);
  else if (ENTRIES.filter(isChanged).length > 0) {
    console.error(
      "If the change is intended, review the difference name by name, run `npm run api`, and write an entry in CHANGELOG.md.",
    );
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true });
}
