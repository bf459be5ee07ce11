#!/usr/bin/env node
// Nothing is imported up here: on an older Node it would fail before it could say why.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`durable-locks: needs Node 22.13 or newer, and this is ${process.version}.\n`);
  process.exitCode = 78;
} else if (process.argv[2] === "__guard") {
  const { superviseCommand: guard } = await import("./supervisor/supervisor.ts");
  guard();
} else {
  const { main } = await import("./main.ts");
  // Whatever is still under way, such as a call that is parked, must not delay the end.
  process.exit(await main(process.argv.slice(2)));
}
