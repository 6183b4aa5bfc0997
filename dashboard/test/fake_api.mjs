// An API to try the page's logic against: a stream of alerts with sequences, as the broker keeps
// them, behind a fetch and an EventSource that do what the real ones do.

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;

export const alertOf = (seq, more = {}) => ({
  type: "alert.v1", id: `id${seq}`, episode: `episode${seq}`, n: 0, kind: "opened", trigger: "rule", severity: "info", seq,
  stored_ms: seq, mint: "mint", title: `title ${seq}`, conditions: [], metrics: {}, unknown: {}, name: null, ...more,
});

export class FakeApi {
  alerts = [];
  streams = [];
  asked = [];
  createdMs = 1;
  firstSeq = 1;
  demo = false;
  /** Whether streams are refused for good, and whether nothing answers at all. */
  refuses = false;
  isDown = false;
  /** Whether streams stay open and bring nothing: a line that was cut on the way. */
  isCut = false;
  /** Sequences of alerts that pages leave out. */
  unreadable = new Set();
  hidden = false;
  #watching = [];

  constructor() {
    const api = this;
    globalThis.document = {
      get hidden() { return api.hidden; },
      addEventListener: (_, listener) => api.#watching.push(listener),
    };
    globalThis.fetch = async path => api.#answer(new URL(path, "http://api"));
    globalThis.EventSource = class extends FakeEvents { constructor() { super(api); } };
    Object.assign(globalThis.EventSource, { CONNECTING, OPEN, CLOSED });
  }

  get lastSeq() { return this.alerts.at(-1)?.seq ?? 0; }
  get open() { return this.streams.filter(one => one.readyState === OPEN); }

  /** Store this many more alerts; those who listen hear of them. */
  ring(count, more = () => ({})) {
    for (let n = 0; n < count; n++) {
      const seq = this.lastSeq + 1;
      this.alerts.push(alertOf(seq, more(seq)));
    }
    if (!this.isCut) for (const one of this.open) one.deliver();
  }

  /** Another broker: nothing is stored, and sequences begin again. */
  anew() {
    this.alerts = [];
    this.createdMs++;
  }

  /** Cut every stream; browsers come again by themselves. */
  drop() {
    for (const one of this.open) one.lose();
  }

  look(hidden) {
    this.hidden = hidden;
    for (const one of this.#watching) one();
  }

  #answer(url) {
    this.asked.push(url.pathname + url.search);
    if (this.isDown) throw new TypeError("fetch failed");
    const body = {
      "/api/v1/status": () => this.#status(),
      "/api/v1/alerts": () => this.#page(url.searchParams),
      "/api/v1/tokens": () => ({ tokens: [] }),
      "/api/v1/triggers": () => ({ rules: [] }),
    }[url.pathname]();
    return { status: 200, ok: true, json: async () => structuredClone(body) };
  }

  #status() {
    const stream = { stream: "PW_ALERT", first_seq: this.firstSeq, last_seq: this.lastSeq, created_ms: this.createdMs };
    return {
      at_ms: Date.now(), mode: "running", demo: this.demo, conditions: [], services: [], sources: [],
      streams: [{ ...stream, stream: "PW_SWAP", last_seq: 9e6 }, stream],
    };
  }

  #page(query) {
    const before = Number(query.get("before_seq") ?? 2 ** 53);
    const there = this.alerts.filter(one => one.seq >= this.firstSeq);
    const page = there.filter(one => one.seq < before).reverse().slice(0, Number(query.get("limit")));
    const oldest = page.at(-1)?.seq;
    return { alerts: page.filter(one => !this.unreadable.has(one.seq)), next_before_seq: oldest !== undefined && oldest > there[0].seq ? oldest : null };
  }
}

/** An EventSource. As a real one does, it names the last id that it saw when it comes again. */
class FakeEvents {
  readyState = CONNECTING;
  #api;
  #last = null;
  #listener = () => {};

  constructor(api) {
    this.#api = api;
    api.streams.push(this);
    setTimeout(() => this.connect(), 10);
  }

  addEventListener(_, listener) { this.#listener = listener; }
  close() { this.readyState = CLOSED; }

  connect() {
    if (this.readyState !== CONNECTING) return;
    if (this.#api.refuses) {
      this.readyState = CLOSED;
      this.onerror();
      return;
    }
    this.readyState = OPEN;
    // A server may or may not have told an id before the first event: this one did not.
    this.from = this.#last ?? this.#api.lastSeq;
    this.onopen();
    if (!this.#api.isCut) this.deliver();
  }

  deliver() {
    for (const one of this.#api.alerts.filter(each => each.seq > this.from)) {
      this.from = this.#last = one.seq;
      this.#listener({ data: JSON.stringify(one), lastEventId: String(one.seq) });
    }
  }

  lose() {
    this.readyState = CONNECTING;
    this.onerror();
    setTimeout(() => this.connect(), 3000);
  }
}
