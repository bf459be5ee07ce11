import { describe, expect, it } from "vitest";
import { fenceHeaders, readFence, verifyFence } from "durable-locks/fencing";
import { outcome } from "../../support/locks.ts";

const HIGHEST = Number.MAX_SAFE_INTEGER;
const stale = (lease: number, newest: number) => ({ error: { code: "STALE_LEASE", lease, newest } });

describe("Fencing of HTTP services", () => {
  const advanceIn = (fences: Map<string, number>) => (resource: string, lease: number) => {
    const newest = Math.max(lease, fences.get(resource) ?? 0);
    fences.set(resource, newest);
    return newest;
  };

  it.each(["account:42", "Konto ü/ä", "line\nbreak\r\n", "a, b", "100%25", "🔒", "a".repeat(512)])(
    "fenceHeaders and readFence carry the resource %j over unchanged.",
    (resource) => {
      expect(readFence(new Headers(fenceHeaders(resource, HIGHEST)))).toEqual({ resource, lease: HIGHEST });
    },
  );

  it("verifyFence lets a lease pass repeatedly until a newer one passes, and then refuses the older one.", async () => {
    const advance = advanceIn(new Map());
    const pass = (lease: number) => outcome(verifyFence(new Headers(fenceHeaders("r", lease)), advance));
    for (const lease of [5, 5, 6]) expect(await pass(lease)).toEqual({ value: { resource: "r", lease } });
    expect(await pass(5)).toMatchObject(stale(5, 6));
  });

  it("readFence reads the headers of Node's http and those that fenceHeaders made.", () => {
    const headers = { host: "shop", "set-cookie": ["a", "b"], "fencing-token": "7", "fencing-resource": "a%20b" };
    expect(readFence(headers)).toEqual({ resource: "a b", lease: 7 });
    expect(readFence(fenceHeaders("a b", 7))).toEqual({ resource: "a b", lease: 7 });
  });

  it("verifyFence lets a request of Node's http pass, and then refuses an older one.", async () => {
    const advance = advanceIn(new Map());
    const pass = (lease: number) =>
      outcome(verifyFence({ "fencing-token": `${lease}`, "fencing-resource": "r" }, advance));
    expect(await pass(6)).toEqual({ value: { resource: "r", lease: 6 } });
    expect(await pass(5)).toMatchObject(stale(5, 6));
  });

  it.each([
    [{}, "Fencing-Token"],
    [{ "Fencing-Token": "12" }, "Fencing-Resource"],
    [{ "Fencing-Token": "0", "Fencing-Resource": "r" }, "Fencing-Token"],
    [{ "Fencing-Token": "1e3", "Fencing-Resource": "r" }, "Fencing-Token"],
    [{ "Fencing-Token": "9999999999999999", "Fencing-Resource": "r" }, "Fencing-Token"],
    [{ "Fencing-Token": "12", "Fencing-Resource": "%zz" }, "Fencing-Resource"],
    [{ "Fencing-Token": "12", "Fencing-Resource": "" }, "Fencing-Resource"],
  ])("G9 readFence refuses %j, and never takes it for a request without a fence.", (headers, argument) => {
    expect(() => readFence(new Headers(headers as Record<string, string>))).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument }),
    );
  });

  it.each([undefined, null, "8", 8n, Number.NaN, 6])(
    "G9 verifyFence lets no request pass if the store answers %s.",
    async (newest) => {
      const pass = verifyFence(new Headers(fenceHeaders("r", 7)), () => newest as number);
      expect(await outcome(pass)).toMatchObject({ error: { code: "INVALID_ARGUMENT", argument: "advance" } });
    },
  );

  const good = { "fencing-token": "7", "fencing-resource": "r" };
  const refused = (headers: Parameters<typeof readFence>[0], argument: string) =>
    expect(() => readFence(headers)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));

  it.each(["", "-1", "1.5", "07", "+7", " 7", "7 ", "0x7", "NaN", "9".repeat(400)])(
    "G9 readFence refuses the token %j.",
    (token) => {
      refused({ ...good, "fencing-token": token }, "Fencing-Token");
    },
  );

  it.each(["%E2%82", "%ED%A0%80", "ü", "a b", "x".repeat(513)])("G9 readFence refuses the resource %j.", (resource) => {
    refused({ ...good, "fencing-resource": resource }, "Fencing-Resource");
  });

  it("G9 readFence refuses a header that came twice, however the platform shows it.", () => {
    for (const name of ["Fencing-Token", "Fencing-Resource"] as const) {
      const twice = new Headers(good);
      twice.append(name, "8");
      refused(twice, name);
      for (const value of ["7, 8", ["7", "8"], ["7"]]) refused({ ...good, [name.toLowerCase()]: value }, name);
      refused({ ...good, [name]: "8" }, name);
    }
  });

  it("G9 readFence never takes missing or incomplete headers for a request without a fence.", () => {
    refused({}, "Fencing-Token");
    refused({ "fencing-resource": "r" }, "Fencing-Token");
    refused({ "fencing-token": "7" }, "Fencing-Resource");
    refused({ ...good, "fencing-token": undefined }, "Fencing-Token");
  });
});
