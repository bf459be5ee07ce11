import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Mutant, mutantsOf } from "./mutants.ts";
import { SimulatedKiller } from "./simulated.ts";

const SOURCE = join(import.meta.dirname, "../../src");

const { values } = parseArgs({
  options: {
    folder: { type: "string", multiple: true, default: ["core", "object", "client"] },
    seeds: { type: "string", default: "200" },
    out: { type: "string", default: "/tmp/survivors.json" },
  },
});

const mutants: Mutant[] = values.folder.flatMap((folder) =>
  readdirSync(join(SOURCE, folder)).flatMap((name) =>
    mutantsOf(`${folder}/${name}`, readFileSync(join(SOURCE, folder, name), "utf8")),
  ),
);
const survivors: Mutant[] = [];
const how: Record<string, number> = {};
const numbers = mutants.keys();
let done = 0;
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    const killer = new SimulatedKiller(mutants, Number(values.seeds));
    const control = await killer.kill(-1);
    if (control !== undefined) throw new Error(`the source without a mutant fails: ${control}`);
    for (const number of numbers) {
      const by = await killer.kill(number);
      if (by === undefined) survivors.push(mutants[number] as Mutant);
      else how[by.replace(/seed \d+: /, "").slice(0, 30)] = (how[by.replace(/seed \d+: /, "").slice(0, 30)] ?? 0) + 1;
      done += 1;
      if (done % 50 === 0) console.log(`${done} of ${mutants.length}, ${survivors.length} survive`);
    }
    await killer.end();
  }),
);
writeFileSync(values.out, JSON.stringify(survivors, undefined, 1));
console.log(how, `${mutants.length} mutants, ${survivors.length} survive the simulation`);
