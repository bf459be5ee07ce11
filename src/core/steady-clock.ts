/**
 * A clock that never runs backwards: when the wall clock steps back, it continues from its latest reading.
 *
 * Without it, a step back would lengthen every lease by the step. It would also let newcomers overtake the queue, which
 * is ordered by arrival. A step forward looks like the passage of time, so the clock follows it.
 */
export class SteadyClock {
  #offset = 0;
  #latest = Number.NEGATIVE_INFINITY;

  read(wall: number): number {
    if (wall + this.#offset < this.#latest) this.#offset = this.#latest - wall;
    this.#latest = wall + this.#offset;
    return this.#latest;
  }
}
