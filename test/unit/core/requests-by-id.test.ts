import { expect, it } from "vitest";
import { scopedTo } from "../../../src/core/caller.ts";
import { RequestsById } from "../../../src/core/requests-by-id.ts";

it("A request is found by its whole id, and with it all requests given the same id by tokens or over RPC.", () => {
  const requests = new RequestsById<string>();
  const ids = [scopedTo("one", "same"), scopedTo("other", "same"), "same"];
  for (const id of ids) requests.add(id, id);
  requests.add(scopedTo("one", "different"), "different");
  for (const id of ids) expect(requests.get(id)).toBe(id);
  for (const id of [...ids, scopedTo("nobody", "same")])
    expect(new Set(requests.ofEveryName(id))).toEqual(new Set(ids));
  expect(requests.ofEveryName(scopedTo("other", "different"))).toEqual([scopedTo("one", "different")]);
});

it("A request that is deleted is forgotten, and one that has taken over its id is not.", () => {
  const requests = new RequestsById<string>();
  const id = scopedTo("one", "same");
  requests.add(id, "first");
  requests.add(id, "second");
  expect(requests.delete(id, "first")).toBe(false);
  expect(requests.ofEveryName(id)).toEqual([id]);
  expect(requests.delete(id, "second")).toBe(true);
  expect([requests.get(id), requests.ofEveryName(id)]).toEqual([undefined, []]);
  requests.add("same", "over RPC");
  requests.clear();
  expect([requests.get("same"), requests.ofEveryName("same")]).toEqual([undefined, []]);
});
