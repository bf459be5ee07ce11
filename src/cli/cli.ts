#!/usr/bin/env node
// Don't import anything up here: on an older Node the import would fail before this program can say why.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`durable-locks: needs Node 22.13 or newer, but this is ${process.version}.\n`);
  process.exitCode = 78;
} else if (process.argv[2] === "__supervisor") {
  const { superviseCommand } = await import("./supervisor/supervisor.ts");
  superviseCommand();
} else {
  const { main } = await import("./main.ts");
  // Exit even if something is still under way: a parked call, for example, must not delay the end.
  process.exit(await main(process.argv.slice(2)));
}
