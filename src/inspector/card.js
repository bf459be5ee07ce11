import { element, find, lengthOf, row } from "./dom.js";
import { call, post, problemOf } from "./service.js";

/** @typedef {import("../wire/status.ts").WireStatus & { timeline: import("../core/replies.ts").TimelineEntry[] }} Status */
/** @typedef {import("../wire/status.ts").WireHolder} Holder */

/** A stream that has been silent for so long is dead, in milliseconds: the service sends something every 15 s. */
const SILENCE = 40_000;
/** How many rows a list shows at most. */
const MOST_ROWS = 100;

/** One lock that is followed. */
export class Card {
  /** @param {string} id @param {{ onUnfollow: () => void, onSignedOut: (why: string) => void }} events */
  constructor(id, { onUnfollow, onSignedOut }) {
    this.onUnfollow = onUnfollow;
    this.onSignedOut = onSignedOut;
    this.id = id;
    this.stop = new AbortController();
    /** What is added to this page's steady clock to get the lock's. */
    this.ahead = 0;
    this.said = "";
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Status | undefined} */
    this.status = undefined;
    const { content } = /** @type {HTMLTemplateElement} */ (find("#lock"));
    this.root = /** @type {HTMLElement} */ (find("article", /** @type {DocumentFragment} */ (content.cloneNode(true))));
    find("h2", this.root).textContent = id;
    this.root.setAttribute("aria-label", id);
    find(".timeline", this.root).setAttribute("aria-label", `What happened lately to ${id}`);
    find(".holders", this.root).setAttribute("aria-label", `Who holds ${id}`);
    find(".waiters", this.root).setAttribute("aria-label", `Who waits for ${id}`);
    find(".unfollow", this.root).addEventListener("click", () => this.onUnfollow());
    find(".force", this.root).addEventListener("click", () => void this.force());
    this.show("Connecting…");
    void this.follow();
  }

  /** Follows until stopped: again at once after the stream's own end, later and later after failures. */
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

  /** Cuts a stream that stays silent: a computer that has slept is not told that its connections are gone. @param {AbortController} silence */
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

  /** What came of a force release: kept apart, for the next event ends what is said of the connection. @param {string} text */
  tell(text) {
    find(".outcome", this.root).textContent = text;
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
    find(".force", this.root).hidden = !locked && !delayedUntil;
    this.list(
      "holding",
      holders.length,
      holders.slice(0, MOST_ROWS).map((holder) => holderItem(holder)),
    );
    this.list(
      "queueing",
      waiters.length,
      waiters.slice(0, MOST_ROWS).map(({ owner }) => row(owner ?? "unnamed", element("span", "when"))),
    );
    const past = timeline.map(({ what, lease, owner }) =>
      row(`${said(what)}: ${owner ?? "unnamed"}`, element("span", "lease", String(lease)), element("span", "when")),
    );
    find(".timeline", this.root).replaceChildren(...past.toReversed());
    this.tick();
    this.announce(
      locked
        ? `${this.id} is held by ${holders
            .slice(0, MOST_ROWS)
            .map(({ owner }) => owner ?? "unnamed")
            .join(", ")}`
        : `${this.id} is free`,
    );
  }

  /** @param {string} section @param {number} count @param {HTMLElement[]} rows */
  list(section, count, rows) {
    const root = find(`.${section}`, this.root);
    const shown = rows.length < count ? `${count}, the first ${rows.length}` : String(count);
    find(".count", root).textContent = count > 1 || section === "queueing" ? `(${shown})` : "";
    find("ul, ol", root).replaceChildren(...rows);
  }

  /** Says a change of hands, and nothing that ticks. @param {string} text */
  announce(text) {
    if (text === this.said) return;
    this.said = text;
    find("#said").textContent = text;
  }

  /** Moves what moves with time. */
  tick() {
    if (!this.status) return;
    const { holders, waiters, timeline, now: asOf } = this.status;
    const now = performance.now() + this.ahead;
    const each = (/** @type {string} */ list) => [...find(list, this.root).children];
    each(".holders").forEach((item, index) => {
      const { since, deadline } = /** @type {Holder} */ (holders[index]);
      find(".when", item).textContent = `held ${lengthOf(now - since)}`;
      find(".left", item).textContent = now < deadline ? `${lengthOf(deadline - now)} left` : "expired";
      /** @type {HTMLProgressElement} */ (find("progress", item)).value =
        Math.max(0, deadline - now) / Math.max(1, deadline - asOf);
    });
    each(".waiters").forEach((item, index) => {
      find(".when", item).textContent = `waits ${lengthOf((waiters[index]?.waited ?? 0) + now - asOf)}`;
    });
    each(".timeline").forEach((item, index) => {
      const at = timeline[timeline.length - 1 - index]?.at ?? now;
      find(".when", item).textContent = `${lengthOf(now - at)} ago`;
    });
  }

  /** Ends all leases, if that is what the visitor wants. */
  async force() {
    const dialog = /** @type {HTMLDialogElement} */ (find("#confirm"));
    find("#confirm-id").textContent = this.id;
    dialog.returnValue = "cancel";
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue !== "release") return;
    this.tell("");
    try {
      const path = `v1/locks/${encodeURIComponent(this.id)}/force-release`;
      const response = await post(path, { requestId: crypto.randomUUID() });
      if (!response.ok) this.tell(await problemOf(response));
    } catch {
      this.tell("The service could not be reached: nobody knows whether the lock was released. Try again.");
    }
  }
}

/** @param {string} what */
const said = (what) =>
  ({ granted: "Granted", released: "Released", expired: "Expired", superseded: "Ended by force" })[what] ?? what;

/** @param {Holder} holder */
function holderItem({ owner, lease, releaseRequested, exclusive, permits, capacity }) {
  const share = exclusive ? "" : ` (${permits} of ${capacity})`;
  const item = row(
    `${owner ?? "unnamed"}${share}${releaseRequested ? ", asked to release" : ""}`,
    element("span", "lease", `lease ${lease}`),
    element("span", "when"),
    element("span", "left"),
  );
  const bar = element("progress", "");
  bar.setAttribute("aria-hidden", "true");
  item.append(bar);
  return item;
}
