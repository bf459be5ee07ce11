import { describe, expect, it } from "vitest";
import { ParkedCalls } from "../../../src/object/parked-calls.ts";
import { settled } from "../../support/outcome.ts";

describe("calls that are parked", () => {
  it("all get the answer to their request, and those of others don't", async () => {
    const parking = new ParkedCalls<string>("left");
    const [first, second, other] = [parking.park("a"), parking.park("a"), parking.park("b")];
    parking.answer("a", "yours");
    expect(await Promise.all([first.reply, second.reply, settled(other.reply)])).toEqual(["yours", "yours", "parked"]);
    parking.answer("stranger", "nobody's");
    expect([parking.leave(first), parking.leave(second)]).toEqual([false, false]);
  });

  it("leave one by one, and the last of a request takes it along", async () => {
    const parking = new ParkedCalls<string>("left");
    const [first, second] = [parking.park("a"), parking.park("a")];
    expect(parking.leave(first)).toBe(false);
    expect(await first.reply).toBe("left");
    expect(parking.leave(first)).toBe(false);
    expect(await settled(second.reply)).toBe("parked");
    expect(parking.leave(second)).toBe(true);
    expect(parking.leave(second)).toBe(false);
  });

  it("G9 are a hundred of a request at most", () => {
    const parking = new ParkedCalls<string>("left");
    for (let n = 0; n < 99; n += 1) parking.park("a");
    expect([parking.isFull("a"), parking.isFull("b")]).toEqual([false, false]);
    parking.park("a");
    expect([parking.isFull("a"), parking.isFull("b")]).toEqual([true, false]);
  });
});
