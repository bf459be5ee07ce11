import { describe, expect, it } from "vitest";
import { ParkedCalls } from "../../../src/object/parked-calls.ts";
import { settled } from "../../support/outcome.ts";

describe("Parked calls", () => {
  it("All parked calls of a request get its answer, and calls of other requests do not.", async () => {
    const parking = new ParkedCalls<string>("left");
    const [first, second, other] = [parking.park("a"), parking.park("a"), parking.park("b")];
    parking.answer("a", "yours");
    expect(await Promise.all([first.reply, second.reply, settled(other.reply)])).toEqual(["yours", "yours", "parked"]);
    parking.answer("stranger", "nobody's");
    expect([parking.leave(first), parking.leave(second)]).toEqual([false, false]);
  });

  it("Parked calls leave one by one, and only the last call of a request takes the request with it.", async () => {
    const parking = new ParkedCalls<string>("left");
    const [first, second] = [parking.park("a"), parking.park("a")];
    expect(parking.leave(first)).toBe(false);
    expect(await first.reply).toBe("left");
    expect(parking.leave(first)).toBe(false);
    expect(await settled(second.reply)).toBe("parked");
    expect(parking.leave(second)).toBe(true);
    expect(parking.leave(second)).toBe(false);
  });

  it("G9 A request has at most a hundred parked calls.", () => {
    const parking = new ParkedCalls<string>("left");
    for (let n = 0; n < 99; n += 1) parking.park("a");
    expect([parking.isFull("a"), parking.isFull("b")]).toEqual([false, false]);
    parking.park("a");
    expect([parking.isFull("a"), parking.isFull("b")]).toEqual([true, false]);
  });
});
