import { describe, expect, it } from "vitest";
import { SendingOrder } from "../../../../src/toolkit/web-locks/sending-order.ts";
import { WebLockList } from "../../../../src/toolkit/web-locks/web-lock-list.ts";
import { type RequestMark, markRequest } from "../../../../src/transport/own-request.ts";
import { fakeTime, pass } from "../../../support/fake-time.ts";

fakeTime();

/** The mark of a request of the Worker that is not this one: workerd throws when it is looked at. */
const foreignMark = (): RequestMark =>
  Object.defineProperty({} as RequestMark, "aborted", {
    get: () => {
      throw new Error("Cannot perform I/O on behalf of a different request.");
    },
  });

describe("Sending order across a Worker's requests", () => {
  it("A web lock request waits for those that the same Worker request sent before it, and for no others.", async () => {
    const order = new SendingOrder();
    order.join("name", foreignMark(), undefined);
    const first = order.join("name", markRequest(), undefined);
    expect(first.come).toBe(undefined);
    order.join("name", foreignMark(), undefined);
    let hasCome = false;
    void order.join("name", markRequest(), undefined).come?.then(() => (hasCome = true));
    await pass(0);
    expect(hasCome).toBe(false);
    first.arrived();
    await pass(0);
    expect(hasCome).toBe(true);
  });
});

describe("Entries of a Worker request that died", () => {
  const info = (name: string) => ({ name, mode: "exclusive", clientId: "me" }) as const;

  it("A pending entry of a Worker request that died is listed for 90 s.", async () => {
    const list = new WebLockList();
    list.add(info("dead"), foreignMark(), true);
    const { waits } = list.add(info("alive"), markRequest(), true);
    await pass(89_999);
    waits();
    expect(list.snapshot().pending).toEqual([info("dead"), info("alive")]);
    await pass(1);
    expect(list.snapshot().pending).toEqual([info("alive")]);
  });

  it("A held entry of a Worker request that died is listed until its lease ends, and a thief leaves it alone.", async () => {
    const list = new WebLockList();
    const life = { until: performance.now() + 1_000 };
    const lose = () => expect.unreachable("Only its own request may touch it.");
    list.add(info("dead"), foreignMark(), true).hold({ keepAlive: { life, lose }, held: { lease: 7 } } as never);
    list.loseHolds("dead");
    await pass(999);
    expect(list.snapshot()).toEqual({ held: [info("dead")], pending: [] });
    await pass(1);
    expect(list.snapshot()).toEqual({ held: [], pending: [] });
  });
});
