/**
 * A clock that goes on from where it was when the wall clock steps back.
 *
 * Without it a step back would lengthen every lease by the step and let newcomers overtake the queue, which is
 * ordered by arrival. A step forward can't be told from time passing, and is followed.
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
