import { core } from "./core.ts";
import { crowds } from "./crowds.ts";
import { object } from "./object.ts";
import type { Section } from "./section.ts";
import { single } from "./single.ts";

/** All sections, in the order in which they run and are shown. */
export const SECTIONS: readonly Section[] = [single, crowds, core, object];
