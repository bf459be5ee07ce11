import { describe, expect, it } from "vitest";
import { checkRequest, optionsOf } from "../../../src/core/request.ts";

const newId = () => "made";

describe("a request that travels", () => {
  it.each([
    {},
    { wait: 5, longPoll: 7, waited: 6 },
    { wait: Infinity, owner: "me", lockDelay: 8, requestId: "mine" },
    { permits: 2, capacity: 3 },
    { permits: 1, capacity: Infinity },
    { steal: true },
    { once: "" },
    { once: "sha" },
  ])("as the options %j is read back as it was", (options) => {
    const request = checkRequest(7, options, newId);
    expect(optionsOf(request)).toEqual({ requestId: "made", ...options });
    expect(checkRequest(7, optionsOf(request), newId)).toEqual(request);
  });

  it("says nothing that is as if absent", () => {
    const request = checkRequest(7, { wait: 0, waited: 0, lockDelay: 0, steal: false, owner: undefined }, newId);
    expect(Object.keys(optionsOf(request))).toEqual(["requestId"]);
  });

  it("carries nothing but options", () => {
    const request = { ...checkRequest(7, {}, newId), arrivedAt: 3 };
    expect(optionsOf(request)).toEqual({ requestId: "made" });
  });
});
