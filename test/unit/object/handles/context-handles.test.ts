import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../../src/core/limits.ts";
import { ContextHandle } from "../../../../src/object/handles/context-handle.ts";
import { ContextHandles } from "../../../../src/object/handles/context-handles.ts";

describe("Context handles of leases", () => {
  const live = () => true;

  it("A lease has a context handle until its last one is gone.", () => {
    const handles = new ContextHandles();
    const [one, other] = [new ContextHandle(() => {}), new ContextHandle(() => {})];
    handles.add(1, one, live);
    handles.add(1, other, live);
    handles.remove(1, one);
    handles.remove(1, one);
    handles.remove(2, other);
    expect(handles.has(1)).toBe(true);
    handles.remove(1, other);
    expect(handles.has(1)).toBe(false);
  });

  it("G9 A lease has at most a hundred context handles, and one more replaces the first.", () => {
    const handles = new ContextHandles();
    const all = Array.from({ length: 101 }, () => new ContextHandle(() => {}));
    for (const handle of all.slice(0, 100)) handles.add(1, handle, live);
    for (const handle of all.slice(1, 100)) handles.remove(1, handle);
    expect(handles.has(1)).toBe(true);
    for (const handle of all.slice(1, 101)) handles.add(1, handle, live);
    for (const handle of all.slice(1, 101)) handles.remove(1, handle);
    expect(handles.has(1)).toBe(false);
  });

  it("G9 Context handles are dropped with their leases, once there are more than can be live.", () => {
    const handles = new ContextHandles();
    for (let lease = 1; lease <= LIMITS.maxLeases; lease += 1)
      handles.add(lease, new ContextHandle(() => {}), () => false);
    expect(handles.has(1)).toBe(true);
    handles.add(LIMITS.maxLeases + 1, new ContextHandle(() => {}), (lease) => lease > LIMITS.maxLeases);
    expect([handles.has(1), handles.has(LIMITS.maxLeases), handles.has(LIMITS.maxLeases + 1)]).toEqual([
      false,
      false,
      true,
    ]);
  });
});
