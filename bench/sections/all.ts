import { bundles } from "./bundles.ts";
import { coldStart } from "./cold-start.ts";
import { commits } from "./commits.ts";
import { core } from "./core.ts";
import { crowds } from "./crowds.ts";
import { dollars } from "./dollars.ts";
import { memory } from "./memory.ts";
import { object } from "./object.ts";
import type { Section } from "./section.ts";
import { service } from "./service.ts";
import { single } from "./single.ts";
import { worstObject } from "./worst-object.ts";

/** All sections, in the order in which they run and are shown. */
export const SECTIONS: readonly Section[] = [
  single,
  crowds,
  core,
  object,
  coldStart,
  worstObject,
  commits,
  memory,
  service,
  bundles,
  dollars,
];
