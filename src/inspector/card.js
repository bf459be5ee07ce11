import { element, fill, find, lengthOf, say } from "./dom.js";
import { copyButton, longText, shortOf } from "./long-text.js";
import { holderRow, moveHolder, row } from "./rows.js";
import { call, post, problemOf, newRequestId } from "./calls.js";

/** @typedef {import("../wire/status.ts").WireStatus & { timeline: import("../core/replies.ts").TimelineEntry[] }} Status */
/** @typedef {import("../wire/status.ts").WireHolder} Holder */

/** A stream that is silent for this long is dead, in milliseconds: the service sends a heartbeat every few seconds. */
const SILENCE = 40_000;
/** The most rows that a list shows. */
const MOST_ROWS = 100;

/** One followed lock. */
export class Card {
  /** @param {string} id @param {{ onUnfollow: () => void, onSignedOut: (why: string) => void }} events */
  constructor(id, { onUnfollow, onSignedOut }) {
    this.onUnfollow = onUnfollow;
    this.onSignedOut = onSignedOut;
    this.id = id;
    this.stop = new AbortController();
    /** What the token may do; undefined while it is unknown. @type {string[] | undefined} */
    this.actions = undefined;
    /** Add this to the page's monotonic clock to get the lock's clock. */
    this.ahead = 0;
    this.said = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Status | undefined} */
    this.status = undefined;
    const { content } = /** @type {HTMLTemplateElement} */ (find("#lock"));
    this.root = /** @type {HTMLElement} */ (find("article", /** @type {DocumentFragment} */ (content.cloneNode(true))));
    find(".tools", this.root).append(...longText("id", id, find("h2", this.root)));
    this.label();
    find(".unfollow", this.root).addEventListener("click", () => this.onUnfollow());
    find(".ask", this.root).addEventListener("click", () => void this.ask());
    find(".force", this.root).addEventListener("click", () => void this.force());
    const number = find(".number", this.root);
    this.copy = copyButton(
      "number",
      () => number.textContent ?? "",
      () => number,
    );
    number.after(this.copy);
    this.show("Connecting…");
    void this.follow();
  }

  label() {
    const short = shortOf(this.id);
    this.root.setAttribute("aria-label", short);
    find(".timeline", this.root).setAttribute("aria-label", `Recent events of ${short}`);
    find(".holders", this.root).setAttribute("aria-label", `Who holds ${short}`);
    find(".waiters", this.root).setAttribute("aria-label", `Who waits for ${short}`);
  }

  /** Follows the lock until stopped. Reconnects at once when a stream ends, and with growing delays after failures. */
  async follow() {
    for (let failures = 0; !this.stop.signal.aborted;) {
      const silence = new AbortController();
      const signal = AbortSignal.any([this.stop.signal, silence.signal]);
      this.watch(silence);
      try {
        const response = await call(`v1/locks/${encodeURIComponent(this.id)}/events`, { signal });
        if (response.status === 401) return this.onSignedOut(await problemOf(response));
        if (response.status === 403 || response.status === 400) return this.show(await problemOf(response));
        if (!response.ok || !response.body) throw new Error(await problemOf(response));
        this.actions = response.headers.get("Token-Actions")?.split(", ");
        await this.read(response.body, silence);
        failures = 0;
      } catch {
        if (this.stop.signal.aborted) return;
        clearTimeout(this.timer);
        if (this.status && this.root.dataset["lost"] === undefined) failures = 0;
        this.root.dataset["lost"] = "";
        this.show("Connection lost. What is shown may be out of date; retrying…");
        await new Promise((resolve) =>
          setTimeout(resolve, Math.min(8000, 500 * 2 ** failures) * (0.5 + Math.random() / 2)),
        );
        failures += 1;
      }
    }
  }

  /**
   * Aborts a stream that stays silent: a computer that has slept does not learn that its connections are gone.
   *
   * @param {AbortController} silence
   */
  watch(silence) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => silence.abort(), SILENCE);
  }

  /** @param {ReadableStream<Uint8Array<ArrayBuffer>>} body @param {AbortController} silence */
  async read(body, silence) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ""; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      this.watch(silence);
      const events = (text + value).split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const [, name, data = ""] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
        if (name === "problem") throw new Error(JSON.parse(data).detail);
        if (name === "status") this.render(JSON.parse(data));
      }
    }
  }

  /** @param {string} problem */
  show(problem) {
    find(".connection", this.root).textContent = problem;
  }

  /**
   * Shows the outcome of a visitor's call. It has its own element: each event overwrites the connection message.
   *
   * @param {string} text @param {{ isProblem?: boolean, number?: number }} [more]
   */
  tell(text, { isProblem = false, number } = {}) {
    find(".outcome", this.root).classList.toggle("problem", isProblem);
    find(".outcome", this.root).textContent = text;
    find(".number", this.root).textContent = String(number ?? "");
    find(".fence", this.root).hidden = number === undefined;
  }

  /** @param {Status} status */
  render(status) {
    this.status = status;
    this.ahead = status.now - performance.now();
    delete this.root.dataset["lost"];
    this.show("");
    const { holders, waiters, timeline, locked, delayedUntil } = status;
    this.root.dataset["state"] = locked ? "held" : "free";
    find(".state", this.root).textContent = locked ? "Held" : delayedUntil ? "Delayed" : "Free";
    find(".holding", this.root).hidden = !locked;
    find(".queueing", this.root).hidden = waiters.length === 0;
    find(".past", this.root).hidden = timeline.length === 0;
    this.offer(locked, delayedUntil !== undefined);
    this.list("holding", holders, (holder) => ({
      key: `${holder.lease} ${holder.owner}`,
      make: () => holderRow(holder),
    }));
    this.list("queueing", waiters, ({ owner = "unnamed" }) => ({
      key: owner,
      make: () => row(owner, "", element("span", "when")),
    }));
    const past = timeline.map(({ what, lease, owner = "unnamed" }) => ({
      key: `${what} ${lease}`,
      make: () => row(owner, `${labelOf(what)}: `, element("span", "lease", String(lease)), element("span", "when")),
    }));
    fill(find(".timeline", this.root), past.toReversed());
    this.tick();
    const who = holders.slice(0, MOST_ROWS).map(({ owner }) => shortOf(owner ?? "unnamed"));
    this.announce(`${shortOf(this.id)} is ${locked ? `held by ${who.join(", ")}` : "free"}`);
  }

  /**
   * Shows the buttons that make sense now and that the token may use.
   *
   * @param {boolean} locked @param {boolean} delayed
   */
  offer(locked, delayed) {
    const may = (/** @type {string} */ action) => this.actions?.includes(action) ?? true;
    this.hide(".ask", !locked || !may("lock"));
    this.hide(".force", !(locked || delayed) || !may("admin"));
    find(".looking", this.root).hidden = may("lock") || may("admin");
  }

  /**
   * Hides or shows a button. If the hidden button had the focus, the card gets it.
   *
   * @param {string} selector @param {boolean} isHidden
   */
  hide(selector, isHidden) {
    const button = find(selector, this.root);
    if (isHidden && document.activeElement === button) this.root.focus();
    button.hidden = isHidden;
  }

  /** @template T @param {string} section @param {T[]} all @param {(item: T) => { key: string, make: () => HTMLElement }} entryOf */
  list(section, all, entryOf) {
    const root = find(`.${section}`, this.root);
    const entries = all.slice(0, MOST_ROWS).map(entryOf);
    const shown = entries.length < all.length ? `${all.length}, the first ${entries.length}` : String(all.length);
    find(".count", root).textContent = all.length > 1 || section === "queueing" ? `(${shown})` : "";
    fill(find("ul, ol", root), entries);
  }

  /**
   * Announces to screen readers that the lock changed hands, but not what merely changes with time.
   *
   * @param {string} text
   */
  announce(text) {
    if (text === this.said) return;
    this.said = text;
    say(text);
  }

  /** Updates what changes with time. */
  tick() {
    if (!this.status) return;
    const { holders, waiters, timeline, now: asOf } = this.status;
    const now = performance.now() + this.ahead;
    const each = (/** @type {string} */ list) => [...find(list, this.root).children];
    each(".holders").forEach((item, index) => moveHolder(item, /** @type {Holder} */ (holders[index]), now));
    each(".waiters").forEach((item, index) => {
      find(".when", item).textContent = `waiting for ${lengthOf((waiters[index]?.waited ?? 0) + now - asOf)}`;
    });
    each(".timeline").forEach((item, index) => {
      const at = timeline[timeline.length - 1 - index]?.at ?? now;
      find(".when", item).textContent = `${lengthOf(now - at)} ago`;
    });
  }

  /** Asks all holders to release. */
  async ask() {
    const asked = await this.send("request-release", "the holders were asked");
    if (asked)
      this.tell(
        "The current holders are asked to release. Each learns about it with its next renewal at the latest, and decides for itself.",
      );
  }

  /** Ends all leases, after the visitor has confirmed. */
  async force() {
    const dialog = /** @type {HTMLDialogElement} */ (find("#confirm"));
    find("#confirm-id").textContent = shortOf(this.id);
    dialog.returnValue = "cancel";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue !== "release") return;
    const forced = await this.send("force-release", "the lock was released");
    if (!forced) return;
    this.tell("Released by force. A resource that refuses lease numbers below this one refuses late writes:", {
      number: forced.lease,
    });
    const focused = document.activeElement;
    if (focused === document.body || this.root.contains(focused)) this.copy.focus();
  }

  /** Sends a call. If it fails, shows why and returns undefined. @param {string} name @param {string} unknown */
  async send(name, unknown) {
    this.tell("");
    try {
      const response = await post(`v1/locks/${encodeURIComponent(this.id)}/${name}`, {
        requestId: newRequestId(),
      });
      if (response.ok) return await response.json();
      this.tell(await problemOf(response), { isProblem: true });
    } catch {
      this.tell(`The service could not be reached. It is unknown whether ${unknown}. Try again.`, { isProblem: true });
    }
    return undefined;
  }
}

/** @param {string} what */
const labelOf = (what) =>
  ({ granted: "Granted", released: "Released", expired: "Expired", superseded: "Ended by force" })[what] ?? what;
