import { parseArgs } from "node:util";

const USAGE = `npm run bench -- [options]

  --full             measure for longer, and more sizes
  --only NAME,…      run only these sections
  --against COMMIT   add this library at that commit as a contestant
  --store            keep the results in bench/results, and draw the charts and tables of docs/benchmarks.md
  --page             write docs/benchmarks.md and its charts from the stored results, and measure nothing
  --check            compare with the stored results, and fail on a loss of over 15 %
  --help             show this`;

/** What the command line asks for. */
export interface Options {
  full: boolean;
  only: string[] | undefined;
  against: string | undefined;
  store: boolean;
  page: boolean;
  check: boolean;
}

/** Reads the arguments. Undefined if they ask for help, which is then shown. */
export function optionsOf(args: string[], sections: readonly string[]): Options | undefined {
  const flag = { type: "boolean", default: false } as const;
  const text = { type: "string" } as const;
  const options = { full: flag, only: text, against: text, store: flag, page: flag, check: flag, help: flag };
  const { values } = parseArgs({ args, options });
  if (values.help) {
    console.log(`${USAGE}\n\nSections: ${sections.join(", ")}`);
    return undefined;
  }
  const only = values.only?.split(",");
  const unknown = only?.find((name) => !sections.includes(name));
  if (unknown !== undefined) throw new Error(`There is no section "${unknown}", only ${sections.join(", ")}.`);
  return { ...values, only, against: values.against };
}
