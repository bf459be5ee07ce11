/** Mutexes whose holders write to the fenced database. */
export const FENCED = ["fenced-0", "fenced-1"];
/** Mutexes whose holders write to a file. */
export const UNFENCED = ["unfenced-0", "unfenced-1"];
/** Locks that several hold at once. */
export const OTHERS = ["semaphore", "read-write"];
export const PERMITS = 3;
/** Locks whose holders forget to release. */
export const UNRELIABLE = ["by-hand-0", "by-hand-1"];
