// What lies between the board and its server: requests, how old the data is, what is kept on this
// device while cut off. Nothing here touches the page.
'use strict';

const WAIT_S = 10;               // One poll holds this long: "live" is never older than that.
const ANSWER_MS = 8000;          // A request that does not wait is given up after this.
const RETRY_MS = [1000, 2000, 4000, 5000];
const RED_MS = 60000;
const MISSED_AT_MOST = 2;
const QUEUE_AT_MOST = 200;
const RECENT_AT_MOST = 20;
const PAGES_AT_MOST = 50;        // Of one snapshot: 200 orders each.

function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const ticks = () => performance.now();

// How old the data is.
//
// Two clocks: the wall clock is wrong after somebody sets it, the other one may stand still while
// the tablet sleeps. The older answer of the two is taken, so that old data never looks new.
class Freshness {
  constructor() {
    this.at = null;
    this.missed = 0;
    this.expectedMs = WAIT_S * 1000;
  }

  mark() { this.set(Date.now()); this.missed = 0; }

  set(at) {
    this.at = at;
    this.since = ticks() - Math.max(0, Date.now() - at);
  }

  get age() {
    if (this.at === null) return Infinity;
    return Math.max(Date.now() - this.at, ticks() - this.since, 0);
  }

  // live, late (two polls missed), stale (a minute old); starting before the first poll ended.
  get level() {
    if (this.at === null && this.missed === 0) return 'starting';
    if (this.age >= RED_MS) return 'stale';
    const isLate = this.missed >= MISSED_AT_MOST
      || this.age > MISSED_AT_MOST * this.expectedMs + ANSWER_MS / 2;
    return isLate ? 'late' : 'live';
  }
}

// What this device keeps of one store, across reloads. No names, notes or tokens come here.
class Shelf {
  constructor(store) { this.prefix = 'tote-board:' + store + ':'; }

  load(name, otherwise) {
    try {
      const found = localStorage.getItem(this.prefix + name);
      return found === null ? otherwise : JSON.parse(found);
    } catch (error) {
      return otherwise;  // Storage is denied, or somebody wrote there: begin anew.
    }
  }

  // Whether it is kept now.
  save(name, value) {
    try {
      localStorage.setItem(this.prefix + name, JSON.stringify(value));
      return true;
    } catch (error) {
      return false;
    }
  }
}

// Requests of one store, with one token.
class Link {
  constructor(store, token) {
    this.base = '/v1/stores/' + encodeURIComponent(store);
    this.token = token;
    this.serverOffset = 0;  // Server's clock minus ours, in ms.
    this.ended = false;
  }

  now() { return Date.now() + this.serverOffset; }

  // { status, body, retryMs }; null when no answer came: whether the server did what it was asked
  // is not known then. 5xx counts as no answer: the same request is sent again later.
  async ask(method, path, options) {
    const { body, key, timeoutMs } = Object.assign({ timeoutMs: ANSWER_MS }, options);
    const headers = { Authorization: 'Bearer ' + this.token };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (key !== undefined) headers['Idempotency-Key'] = key;
    const abort = typeof AbortController === 'undefined' ? null : new AbortController();
    let timer;
    const silence = new Promise((resolve) => {
      timer = setTimeout(() => {
        resolve(null);
        if (abort) abort.abort();
      }, timeoutMs);
    });
    const answer = await Promise.race([silence, this.answer(this.base + path, {
      method, headers, cache: 'no-store', credentials: 'omit', redirect: 'error',
      body: JSON.stringify(body), signal: abort ? abort.signal : undefined,
    })]);
    clearTimeout(timer);
    return answer;
  }

  // Asks for something that is done with one order.
  step(id, what, options) {
    return this.ask('POST', '/orders/' + encodeURIComponent(id) + '/' + what,
      Object.assign({ body: {} }, options));
  }

  async answer(address, request) {
    try {
      const response = await fetch(address, request);
      const content = await response.text();
      // A captive portal or a proxy's page is no JSON, and not our server.
      const body = content ? JSON.parse(content) : {};
      const retryMs = 1000 * (Number(response.headers.get('Retry-After')) || 0);
      return response.status >= 500 ? null : { status: response.status, body, retryMs };
    } catch (error) {
      return null;
    }
  }

  // Follows the store's orders until `end`. `told` has the methods changed(page, isSnapshot),
  // missed() and denied(status).
  async follow(told) {
    let cursor = null, failures = 0, isCrowded = false;
    while (!this.ended) {
      const page = cursor === null ? await this.snapshot() : await this.changes(cursor, isCrowded);
      if (this.ended) return;
      if (page === null) {
        told.missed();
        // Not all screens of a shop at the same moment.
        const backoff = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)];
        failures += 1;
        await this.nap(backoff * (0.8 + 0.4 * Math.random()));
        continue;
      }
      failures = 0;
      if (page.denied) return told.denied(page.denied);
      if (page.isExpired) {
        cursor = null;
        await this.nap(RETRY_MS[0] * Math.random());
        continue;
      }
      isCrowded = page.isCrowded === true;
      if (page.orders) {
        if (page.server_time) this.serverOffset = page.server_time - Date.now();
        told.changed(page, cursor === null);
        cursor = page.cursor;
      }
      // Others of this token hold all the places to wait: ask without, now and then.
      const pauseMs = Math.max(page.poll_after_ms || 0, page.retryMs || 0, isCrowded ? 3000 : 0);
      told.pause(pauseMs);
      if (!page.more && pauseMs > 0) await this.nap(Math.min(pauseMs, 60000));
    }
  }

  // Waits, unless `wake` ends it.
  nap(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => { clearTimeout(timer); resolve(); };
    });
  }

  async changes(cursor, isCrowded) {
    const wait = isCrowded ? 0 : WAIT_S;
    const answer = await this.ask('GET', '/orders?state=preparing,ready&since='
      + encodeURIComponent(cursor) + (wait ? '&wait=' + wait : ''),
      { timeoutMs: wait * 1000 + ANSWER_MS });
    return this.page(answer, cursor);
  }

  // All orders; shown only when every page of them is here.
  async snapshot() {
    let all = null;
    for (let pages = 0; pages < PAGES_AT_MOST; pages += 1) {
      const since = all === null ? '' : '&since=' + encodeURIComponent(all.cursor);
      const page = this.page(
        await this.ask('GET', '/orders?state=preparing,ready' + since), all && all.cursor);
      if (page === null || !page.orders) return page;
      if (all !== null) {
        // A later page may tell of an order of an earlier one.
        const later = new Set(page.orders.concat(page.left || []).map((order) => order.id));
        page.orders = all.orders.filter((order) => !later.has(order.id)).concat(page.orders);
      }
      all = page;
      if (!page.more) return page;
    }
    return null;  // A snapshot without an end.
  }

  page(answer, cursor) {
    if (answer === null) return null;
    const { status, body, retryMs } = answer;
    if (status === 200 && Array.isArray(body.orders)) return body;
    if (status === 304) return { orders: [], left: [], cursor };
    if (status === 410) return { isExpired: true };
    if (status === 429) return { isCrowded: true, retryMs };
    if (status === 401 || status === 403 || status === 404) return { denied: status };
    return null;
  }

  end() {
    this.ended = true;
    if (this.wake) this.wake();
  }
}

// Hand-overs that the server has not confirmed, oldest first; they outlive a reload.
//
// An entry is {id, code, at, key, body, sent, undo}. `body` is what goes out under `key`, and stays
// as it is from the first attempt on: the server may have taken it although no answer came. Two
// windows of one device share the list, so it is read anew for each change.
class HandOvers {
  constructor(shelf) {
    this.shelf = shelf;
    this.isSending = false;
    this.isKept = true;
    this.inMemory = [];
  }

  get entries() {
    if (!this.isKept) return this.inMemory;
    return this.shelf.load('queue', this.inMemory).filter((entry) => entry && entry.key);
  }

  get isFull() { return this.entries.length >= QUEUE_AT_MOST; }
  of(id) { return this.entries.find((entry) => entry.id === id); }

  change(make) {
    this.inMemory = make(this.entries);
    this.isKept = this.shelf.save('queue', this.inMemory);
  }

  // Changes the entry of that key, where it still is.
  mark(key, members) {
    this.change((all) => all.map(
      (one) => one.key === key ? Object.assign({}, one, members) : one));
  }

  drop(key) { this.change((all) => all.filter((one) => one.key !== key)); }

  // One that was made while cut off says when in its body. One made while live, whose answer never
  // came, may have arrived: it keeps its `attempt`, {key, body, sent: true}.
  add({ id, code }, at, attempt) {
    this.change((all) => all.concat(Object.assign(
      { id, code, at, undo: false }, attempt || { key: randomKey(), body: { order: id, at } })));
  }

  // Takes a hand-over back. One that may have arrived can only be undone behind its answer.
  takeBack(id) {
    const entry = this.of(id);
    if (!entry) return;
    if (entry.sent) this.mark(entry.key, { undo: true });
    else this.drop(entry.key);
  }

  // Sends what waits, one after the other. `settled(entry, answer)` is told of each that ended.
  async send(link, settled) {
    if (this.isSending) return;
    this.isSending = true;
    while (!link.ended && await this.sendFirst(link, settled));
    this.isSending = false;
  }

  // Whether to go on.
  async sendFirst(link, settled) {
    const first = this.entries[0];
    if (!first) return false;
    const { key, body } = first;
    this.mark(key, { sent: true });
    const answer = await link.ask('POST', '/handover', { body, key });
    if (!answer || answer.status === 401 || answer.status === 429) return false;
    if (answer.status === 409 && answer.body.code === 'order_closed' && !body.at) {
      // The order was closed before our first attempt arrived, but the customer has it: said once
      // more as a hand-over made while cut off, which the shop then has to look into.
      this.mark(key, { key: randomKey(), body: { order: first.id, at: first.at } });
      return true;
    }
    // Somebody may have taken it back meanwhile.
    const entry = this.entries.find((one) => one.key === key);
    if (!entry) return true;
    if (answer.status === 200 && entry.undo) {
      const undone = await link.step(entry.id, 'undo');
      if (!undone) return false;
      entry.undo = undone.status === 200;  // Too late, and it stays collected.
    }
    this.drop(key);
    settled(entry, answer);
    return true;
  }
}
