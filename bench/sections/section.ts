import type { Figure } from "../harness/figure.ts";
import type { Lab } from "../harness/lab.ts";

/** A part of the suite that can run on its own. */
export interface Section {
  /** The name for `--only`. */
  name: string;
  /** What it measures, in one sentence. */
  about: string;
  measure(lab: Lab): Promise<Figure[]>;
}
