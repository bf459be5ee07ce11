import { describe, expect, it } from "vitest";
import { checkRequest, optionsOf } from "../../../src/core/request.ts";

const newId = () => "made";

describe("Requests on their way", () => {
  it.each([
    {},
    { wait: 5, longPoll: 7, waited: 6 },
    { wait: Infinity, owner: "me", lockDelay: 8, requestId: "mine" },
    { permits: 2, capacity: 3 },
    { permits: 1, capacity: Infinity },
    { steal: true },
    { once: "" },
    { once: "sha" },
  ])("A request sent as the options %j is read back unchanged.", (options) => {
    const request = checkRequest(7, options, newId);
    expect(optionsOf(request)).toEqual({ requestId: "made", ...options });
    expect(checkRequest(7, optionsOf(request), newId)).toEqual(request);
  });

  it("A request sends no option that means the same as leaving it out.", () => {
    const request = checkRequest(7, { wait: 0, waited: 0, lockDelay: 0, steal: false, owner: undefined }, newId);
    expect(Object.keys(optionsOf(request))).toEqual(["requestId"]);
  });

  it("A request sends nothing but options.", () => {
    const request = { ...checkRequest(7, {}, newId), arrivedAt: 3 };
    expect(optionsOf(request)).toEqual({ requestId: "made" });
  });
});
