// The board: what it knows, what it does with taps, keys and scans, and when it says that it does
// not know.
'use strict';

const UNDO_MS = 60000;      // As the server has it.
const TOAST_MS = 10000;
const TURN_MS = 10000;
const NEW_MS = 8000;
const SCAN_GAP_MS = 60;     // Between two keys of a scanner; people are slower.
const SETTLE_MS = 300;      // A tap so soon after the tickets moved was meant for another one.
const ALARM_MS = 15000;

const store = decodeURIComponent(location.pathname.split('/')[2] || '');
const shelf = new Shelf(store);
const handOvers = new HandOvers(shelf);
const freshness = new Freshness();
const TOKEN = 'tote-board:token:' + store;

let link = null;
let info = null;               // What the server says of the store and of us.
let orders = new Map();        // By id: in preparation or ready, as the server last told.
let disputes = new Map();      // By id: handed over although closed.
let recent = shelf.load('recent', []);
let notices = shelf.load('notices', []);   // Hand-overs made while cut off that were not taken.
const becameReady = new Map(); // By id: when, for the highlight.
let mode = shelf.load('mode', 'counter');
let isTurning = true;
let movedAt = -Infinity;
let lockedUntil = 0;
let codeAsked = null;          // A typed code whose answer never came: its key is used again.
let said = { undo: null, until: 0, level: 'starting' };

// MARK: sound

// Two soft notes. A browser lets a page sound only after somebody touched it, so that each start
// begins muted and says so.
const chime = {
  context: null,
  get isOn() { return this.context !== null && this.context.state === 'running'; },

  async toggle() {
    const Context = window.AudioContext || window.webkitAudioContext;
    if (!Context) return;
    if (this.isOn) await this.context.suspend();
    else {
      if (this.context === null) {
        this.context = new Context();
        this.context.onstatechange = showSound;
      }
      await this.context.resume();
      this.play([660, 880]);
    }
    showSound();
  },

  play(notes) {
    if (!this.isOn) return;
    notes.forEach((pitch, index) => {
      const start = this.context.currentTime + index * 0.22;
      const tone = this.context.createOscillator();
      const volume = this.context.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(0.4, start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, start + 0.6);
      tone.connect(volume).connect(this.context.destination);
      tone.start(start);
      tone.stop(start + 0.65);
    });
  },
};

function showSound() {
  const button = byId('sound');
  button.setAttribute('aria-pressed', String(chime.isOn));
  setText(button, text(chime.isOn ? 'soundOn' : 'soundOff'));
}

// MARK: what the server tells

const told = {
  changed(page, isSnapshot) {
    const before = new Map(orders);
    if (isSnapshot) {
      orders = new Map();
      disputes = new Map(Array.from(disputes).filter(([, dispute]) => dispute.isOurs));
    }
    const fresh = page.orders.filter((order) => learn(order));
    for (const gone of page.left || []) leave(gone, before.get(gone.id));
    // What is there when a screen is switched on is no news.
    const justReady = fresh.filter((order) => order.state === 'ready' && freshness.at !== null
      && (!before.has(order.id) || before.get(order.id).state !== 'ready'));
    freshness.mark();
    remember();
    announceReady(justReady);
    show();
    handOvers.send(link, settled);
  },

  missed() { freshness.missed += 1; show(); },
  pause(ms) { freshness.expectedMs = WAIT_S * 1000 + ms; },

  denied(status) {
    const store = text('wrongStore', { store: storeName() });
    signOut(status === 401 ? text('badToken') : store);
  },
};

// Takes an order in; false when it is known already.
function learn(order) {
  if (order.disputed) {
    disputes.set(order.id, {
      code: order.code, state: order.state, version: order.version, isOurs: false });
  } else {
    disputes.delete(order.id);
  }
  const known = orders.get(order.id);
  // An answer of ours may have overtaken the poll.
  if (known && known.version > order.version) return false;
  if (order.state !== 'preparing' && order.state !== 'ready') return !orders.delete(order.id);
  orders.set(order.id, order);
  if (order.state === 'ready') recent = recent.filter((one) => one.id !== order.id);
  return !known || known.version !== order.version;
}

// An order that is not for this board any more.
function leave(gone, known) {
  const dispute = disputes.get(gone.id);
  if (dispute && gone.version > dispute.version) disputes.delete(gone.id);
  const current = orders.get(gone.id);
  if (current && current.version > gone.version) return;
  orders.delete(gone.id);
  if (known && ['collected', 'expired', 'cancelled'].includes(gone.state)) {
    noteRecent({ id: gone.id, code: known.code, at: link.now(), state: gone.state });
  }
}

function noteRecent(entry) {
  const old = recent.find((one) => one.id === entry.id);
  if (old && old.state === entry.state && old.by) return;  // We know more already.
  recent = [entry].concat(recent.filter((one) => one.id !== entry.id)).slice(0, RECENT_AT_MOST);
}

// Notes an order that the server has just said to be collected.
function noteCollected(order) {
  orders.delete(order.id);
  const steps = order.steps || [];
  const last = steps[steps.length - 1] || {};
  noteRecent({ id: order.id, code: order.code, state: 'collected', version: order.version,
    at: last.at || link.now(), by: last.by || (info && info.label) });
}

// Keeps what a reload without a network needs. No names, notes or contents of orders.
function remember() {
  shelf.save('known', { at: freshness.at, offset: link.serverOffset,
    orders: Array.from(orders.values(), (order) => ({
      id: order.id, code: order.code, state: order.state, version: order.version,
      pickup_at: order.pickup_at, steps: [{ state: order.state, at: since(order) }] })) });
  shelf.save('recent', recent);
}

function recall() {
  const known = shelf.load('known', null);
  info = shelf.load('store', null);
  if (!known || !Array.isArray(known.orders)) return;
  orders = new Map(known.orders.map((order) => [order.id, order]));
  link.serverOffset = known.offset || 0;
  freshness.set(known.at);
}

// Tells those who cannot see it.
function announce(words) { setText(byId('announce'), words); }

function announceReady(ready) {
  for (const order of ready) becameReady.set(order.id, ticks());
  if (ready.length === 0) return;
  chime.play([660, 880]);
  announce(ready.map((order) => text('isReady', { code: spelled(order.code) })).join('. '));
}

// MARK: handing over

// By tap or by the id in a code: the order is known.
async function handOver(order) {
  if (handOvers.of(order.id)) return;
  if (handOvers.isFull) return fail(text('queueFull'));
  const at = link.now();
  if (freshness.level !== 'live') {
    // One that was in preparation may have become ready since: who stands here knows.
    if (!orders.has(order.id)) return fail(text('unknownCutOff', order));
    handOvers.add(order, at);
    return say(text('handedOverQueued', order), order.id);
  }
  const [key, body] = [randomKey(), { order: order.id }];
  const answer = await link.ask('POST', '/handover', { body, key });
  if (answer) return answered(answer, order.code);
  handOvers.add(order, at, { key, body, sent: true });
  say(text('handedOverQueued', order), order.id);
}

// By a code that this board does not show: only the server can tell.
async function handOverCode(code) {
  if (freshness.level !== 'live') return fail(text('unknownCutOff', { code }));
  if (!codeAsked || codeAsked.code !== code) codeAsked = { code, key: randomKey() };
  const answer = await link.ask('POST', '/handover', { body: { code }, key: codeAsked.key });
  if (!answer) return fail(text('noAnswer'));
  codeAsked = null;
  answered(answer, code);
}

function answered(answer, code) {
  const { status, body } = answer;
  if (status === 200) {
    noteCollected(body);
    remember();
    return say(text('handedOver', body), body.id);
  }
  if (status === 429 && body.code === 'locked') {
    lockedUntil = ticks() + answer.retryMs;
  }
  fail(refusalText(answer, code));
}

function refusalText({ status, body, retryMs }, code) {
  const values = { code, by: body.by || '?', time: timeText(body.at || link.now()),
    state: stateText(body.state), n: body.attempts_left, age: spanText(retryMs) };
  switch (body.code) {
    case 'already_collected': return text('alreadyCollected', values);
    case 'not_ready': return text('notReady', values);
    case 'order_closed': return text('closed', values);
    case 'wrong_code': return text('wrongCode', values);
    case 'locked': return text('locked', values);
    default: return status === 404 ? text('unknownOrder')
      : text('refused', { code: body.code || status });
  }
}

// A code or an order's id, typed or scanned.
function read(input) {
  const code = input.replace(/[\s-]/g, '').toUpperCase();
  if (!code) return;
  byId('code').value = '';
  if (/^[0-9A-F]{32}$/.test(code)) {
    const id = code.toLowerCase();
    return handOver(orders.get(id) || { id, code: '…' });
  }
  if (!/^[0-9A-Z]{4}$/.test(code)) return fail(text('badCode'));
  const known = Array.from(orders.values()).find((order) => order.code === code);
  if (known) return handOver(known);
  return ticks() < lockedUntil ? showLock() : handOverCode(code);
}

// What became of a hand-over that had waited.
function settled(entry, answer) {
  const { status, body } = answer;
  if (status === 200) {
    if (!entry.undo) noteCollected(body);
  } else if (body.code === 'order_closed') {
    orders.delete(entry.id);
    disputes.set(entry.id, { code: entry.code, state: body.state, isOurs: true });
  } else if (!entry.undo) {
    notices = notices.concat({ id: entry.id, code: entry.code, here: entry.at, by: body.by,
      at: body.at, state: body.state, problem: body.code || status }).slice(-RECENT_AT_MOST);
    shelf.save('notices', notices);
  }
  remember();
  show();
}

async function restore(id) {
  const waiting = handOvers.of(id);
  if (waiting) {
    handOvers.takeBack(id);
    return say(text('undone', waiting));
  }
  const entry = recent.find((one) => one.id === id);
  if (!entry) return;
  const isLate = link.now() - entry.at > UNDO_MS;
  const answer = isLate && info.role === 'manager'
    ? await link.step(id, 'override',
      { body: { to: 'ready', reason: 'pickup board' }, key: randomKey() })
    : await link.step(id, 'undo');
  if (!answer) return fail(text('notSent'));
  if (answer.status !== 200) {
    return fail(answer.body.code === 'undo_too_late'
      ? text('undoTooLate', entry) : refusalText(answer, entry.code));
  }
  recent = recent.filter((one) => one.id !== id);
  if (answer.body.id === id) learn(answer.body);
  remember();
  say(text('undone', entry));
}

async function dismiss(id) {
  if (!disputes.has(id)) {
    notices = notices.filter((notice) => notice.id !== id);
    shelf.save('notices', notices);
    return show();
  }
  const answer = await link.step(id, 'dismiss');
  if (!answer) return fail(text('notSent'));
  // Refused: somebody else has dismissed it, or it is gone.
  if (answer.status !== 429 && answer.status !== 401) disputes.delete(id);
  show();
}

// MARK: what is seen

function say(words, undo) { toast('ok', words, undo || null); }
function fail(words) { toast('very', words, null); }

function toast(name, words, undo) {
  said = Object.assign(said, { undo, until: ticks() + TOAST_MS });
  const isError = name === 'very';
  const box = byId('toast');
  box.classList.toggle('bad', isError);
  setIcon(box.querySelector('.icon'), name);
  // Emptied first: the same words again are said again.
  byId('said').textContent = '';
  byId('failed').textContent = '';
  byId(isError ? 'failed' : 'said').textContent = words;
  box.querySelector('[data-do=undo]').hidden = undo === null;
  box.hidden = false;
  show();
}

function hideToast() {
  const box = byId('toast');
  const hadFocus = hasFocus(box);
  box.hidden = true;
  said.undo = null;
  if (hadFocus) byId('code').focus();
}

function storeName() {
  const names = (info && info.names) || {};
  return names[language] || names.en || names[Object.keys(names)[0]] || store;
}

// Everything, from what is known now. Called for each change and each second.
function show() {
  if (document.body.dataset.view !== 'board') return;
  const level = freshness.level;
  document.body.dataset.level = level;
  setText(byId('store-name'), storeName());
  setText(byId('time'), timeText(link.now()));
  showFreshness(level);
  showAlarms();
  const isCounter = mode === 'counter';
  const all = Array.from(orders.values());
  // Who waits longest comes first in preparation; who was called last, among the ready.
  const isReady = (order) => order.state === 'ready' || Boolean(handOvers.of(order.id));
  const preparing = all.filter((order) => !isReady(order))
    .sort((a, b) => since(a) - since(b) || (a.id < b.id ? -1 : 1));
  const ready = all.filter((order) => isReady(order) && (isCounter || !handOvers.of(order.id)))
    .sort((a, b) => Number(Boolean(handOvers.of(a.id))) - Number(Boolean(handOvers.of(b.id)))
      || since(b) - since(a) || (a.id < b.id ? -1 : 1));
  showColumn('preparing', preparing, level, isCounter);
  showColumn('ready', ready, level, isCounter);
  showRecent();
  if (!byId('toast').hidden && ticks() > said.until) {
    const box = byId('toast');
    if (!box.matches(':hover') && !hasFocus(box)) hideToast();
  }
}

function showFreshness(level) {
  const age = freshness.age;
  const words = level === 'starting' ? text('starting')
    : level === 'live' ? text('live', { age: Math.floor(age / 1000) + ' s' })
      : text(level, { age: age === Infinity ? '–' : spanText(age) });
  setText(byId('live-text'), words);
  setIcon(byId('live').querySelector('.icon'), { live: 'live', starting: 'late', late: 'very',
    stale: 'cut' }[level]);
  const banner = byId('banner');
  banner.hidden = level !== 'stale';
  if (level === 'stale') {
      const main = age === Infinity ? text('bannerNever') : text('banner', { age: spanText(age) });
    setBanner(banner, main, mode === 'counter' ? text('bannerQueue') : '');
  } else {
    banner.textContent = '';
  }
  const { entries } = handOvers;
  const unsent = byId('unsent');
  unsent.hidden = entries.length === 0;
  setText(unsent, entries.length === 0 ? '' : text('unsent', { n: entries.length }));
  if (said.level === level) return;
  if (level === 'late') announce(text('lateSaid'));
  if (level === 'live' && said.level !== 'starting') announce(text('backLive'));
  said.level = level;
}

// The age counts on in the banner; only its beginning is read out.
function setBanner(banner, main, more) {
  if (!banner.firstChild) {
    banner.append(make('span', 'icon', icon('cut')), make('span', 'main'), make('span', 'more'));
    banner.querySelector('.main').setAttribute('aria-live', 'off');
  }
  setText(banner.querySelector('.main'), main);
  setText(banner.querySelector('.more'), more);
}

function showColumn(name, list, level, isCounter) {
  const column = document.querySelector('.column.' + name);
  const late = (info && info.late_minutes) || [5, 8];
  const isMoved = mend(byId(name), list.map((order) => {
    const age = ageOf(order, link.now(), late);
    const entry = handOvers.of(order.id);
    const isNew = ticks() - becameReady.get(order.id) < NEW_MS;
    const stamp = JSON.stringify([order.version, order.name, (order.lines || []).length, age.level,
      age.minutes, language, isCounter, isNew, entry && [entry.undo]]);
    return { id: order.id, stamp, build() {
      const item = ticket({ order, age, entry }, isCounter);
      if (isNew) item.classList.add('new');
      return item;
    } };
  }));
  if (isMoved) movedAt = ticks();
  // A number or an empty list is a statement too: not while we cannot know.
  setText(column.querySelector('.count'), level === 'live' ? String(list.length) : '');
  const empty = column.querySelector('.empty');
  const words = { live: 'noOrders', starting: 'starting', late: 'cannotKnow', stale: 'cannotKnow' };
  empty.hidden = list.length > 0;
  setText(empty, list.length > 0 ? '' : text(words[level]));
  const pause = column.querySelector('[data-do=pause]');
  const box = byId(name);
  pause.hidden = isCounter || box.scrollHeight <= box.clientHeight + 4;
  setText(pause, text(isTurning ? 'pause' : 'goOn'));
}

function showAlarms() {
  const items = Array.from(disputes, ([id, dispute]) => ({ id, isDispute: true,
    words: text('disputed', { code: dispute.code, state: stateText(dispute.state) }) }))
    .concat(notices.filter((notice) => !disputes.has(notice.id)).map((notice) => ({
      id: notice.id, isDispute: false,
      words: text(notice.problem === 'already_collected' ? 'twice' : 'queuedRefused', {
        code: notice.code, here: timeText(notice.here), by: notice.by || '?',
        time: timeText(notice.at || notice.here),
        state: notice.state ? stateText(notice.state) : notice.problem }) })));
  mend(byId('alarms'), items.map((item) => ({
    id: item.id, stamp: item.words, build() {
      return make('li', item.isDispute ? 'alarm' : 'alarm notice', icon('very'),
        make('span', 'words', item.words),
        makeButton('quiet', 'dismiss', text(item.isDispute ? 'dismiss' : 'understood')));
    } })));
}

function showRecent() {
  const count = recent.length;
  setText(byId('recent-button'),
    count > 0 ? text('recentCount', { n: count }) : text('recent'));
  if (byId('recent-panel').hidden) return;
  byId('recent-panel').querySelector('.empty').hidden = count > 0;
  const isManager = info && info.role === 'manager';
  mend(byId('recent'), recent.map((entry) => {
    const canRestore = entry.state === 'collected'
      && (isManager || link.now() - entry.at <= UNDO_MS);
    return { id: entry.id, stamp: JSON.stringify([entry, canRestore, language]), build() {
      const values = { time: timeText(entry.at), by: entry.by };
      const key = { expired: 'timedOut', cancelled: 'cancelledAt' }[entry.state]
        || (entry.by ? 'collectedBy' : 'collectedAt');
      const line = make('li', 'past ' + entry.state,
        icon(entry.state === 'collected' ? 'ok' : 'late'),
        make('span', 'code', entry.code), make('span', 'words', text(key, values)));
      if (entry.state === 'collected') {
        const button = makeButton('quiet', 'restore', text(canRestore ? 'restore' : 'tooLate'));
        button.disabled = !canRestore;
        if (canRestore) {
          button.setAttribute('aria-label', text('restoreOf', { code: spelled(entry.code) }));
        }
        line.append(button);
      }
      return line;
    } };
  }));
}

function showLock() {
  fail(text('locked', { age: spanText(lockedUntil - ticks()) }));
}

function showAll() {
  relabel();
  showSound();
  document.title = text('board') + ' · ' + storeName();
  setText(byId('sign-in-store'), store);
  setText(byId('who'), text('who', { label: (info && info.label) || '?' }));
  setText(byId('awake'), text(awake.lock ? 'awake' : 'notAwake'));
  document.body.dataset.mode = mode;
  document.querySelector('[value=' + mode + ']').checked = true;
  show();
}

function openPanel(id) {
  for (const panel of document.querySelectorAll('.panel')) {
    const isOpen = panel.id === id && panel.hidden;
    const opener = document.querySelector('[aria-controls=' + panel.id + ']');
    opener.setAttribute('aria-expanded', String(isOpen));
    if (!isOpen && hasFocus(panel)) opener.focus();
    panel.hidden = !isOpen;
    if (isOpen) panel.querySelector('button, input').focus();
  }
  showAll();
}

// A wall has nobody who scrolls: what does not fit is shown page by page.
function turnPages() {
  if (mode !== 'wall' || !isTurning) return;
  for (const list of [byId('preparing'), byId('ready')]) {
    const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
    const first = list.firstElementChild;
    if (!first) continue;
    const row = first.getBoundingClientRect().height + 16;
    const page = Math.max(row, Math.floor(list.clientHeight / row) * row);
    list.scrollTop = isAtEnd ? 0 : list.scrollTop + page;
  }
}

// Browsers keep a screen on only over HTTPS and while the page is seen.
const awake = {
  lock: null,
  async ask() {
    if (!navigator.wakeLock || document.visibilityState !== 'visible') return;
    try {
      this.lock = await navigator.wakeLock.request('screen');
      this.lock.addEventListener('release', () => { this.lock = null; });
    } catch (error) {
      this.lock = null;  // Low battery: the browser says no.
    }
    showAll();
  },
};

// MARK: signing in and out

function setView(view) {
  document.body.dataset.view = view;
  byId('sign-in').hidden = view !== 'sign-in';
  byId('board').hidden = view !== 'board';
}

async function signIn(token) {
  const asking = new Link(store, token);
  const answer = await learnStore(asking);
  if (!answer || answer.status !== 200) {
    const status = answer && answer.status;
    setText(byId('sign-in-error'), !answer ? text('unreachable')
      : status === 401 ? text('badToken')
        : status === 404 || status === 403 ? text('wrongStore', { store })
          : text('refused', { code: answer.body.code || status }));
    return;
  }
  byId('sign-in-error').textContent = '';
  byId('token').value = '';
  sessionStorage.setItem(TOKEN, token);
  start(asking);
}

// Names, thresholds and our role; they may change while the screen stays on.
async function learnStore(asked) {
  const answer = await asked.ask('GET', '');
  if (answer && answer.status === 200) {
    info = answer.body;
    shelf.save('store', info);
  }
  return answer;
}

function start(newLink) {
  link = newLink;
  setView('board');
  recall();
  showAll();
  awake.ask();
  link.follow(told).catch((error) => {
    // A fault of ours: nobody stands beside a wall to press reload.
    setTimeout(() => location.reload(), 5000);
    throw error;
  });
  if (mode === 'counter') byId('code').focus();
}

// Hand-overs that wait stay on this device and are sent after the next sign-in.
function signOut(why) {
  if (link) link.end();
  link = null;
  sessionStorage.removeItem(TOKEN);
  shelf.save('known', null);
  orders.clear();
  disputes.clear();
  freshness.at = null;
  freshness.missed = 0;
  for (const id of ['preparing', 'ready', 'recent', 'alarms']) byId(id).textContent = '';
  setView('sign-in');
  openPanel(null);
  byId('sign-in-error').textContent = why || '';
  byId('token').focus();
}

// MARK: taps and keys

const actions = {
  'hand-over': (id) => orders.has(id) && handOver(orders.get(id)),
  'take-back': restore,
  restore,
  dismiss,
  undo() { const id = said.undo; hideToast(); if (id) restore(id); },
  hush: hideToast,
  sound: () => chime.toggle(),
  screen: () => openPanel('screen-panel'),
  recent: () => openPanel('recent-panel'),
  close: () => openPanel(null),
  'sign-out': () => signOut(),
  pause() { isTurning = !isTurning; show(); },
  language() {
    language = language === 'en' ? 'fr' : 'en';
    shelf.save('language', language);
    byId('sign-in-error').textContent = '';
    hideToast();
    showAll();
  },
};

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (!button) return;
  const item = button.closest('li');
  // A key press has no detail: it goes to what has the focus, wherever that moved.
  const isFinger = event.detail > 0 && item && item.classList.contains('ticket');
  if (isFinger && ticks() - movedAt < SETTLE_MS) return;
  actions[button.dataset.do](item && item.dataset.id);
});

byId('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const token = byId('token').value.trim();
  if (token) signIn(token);
});

byId('code-form').addEventListener('submit', (event) => {
  event.preventDefault();
  read(byId('code').value);
});

byId('screen-panel').addEventListener('change', (event) => {
  if (event.target.name !== 'mode') return;
  mode = event.target.value;
  shelf.save('mode', mode);
  showAll();
});

// A scanner types its code and Enter, wherever the focus is. Its keys come faster than a person's,
// and go to the code field, so that Enter does not press a button that has the focus.
const scan = { keys: '', at: -Infinity };

document.addEventListener('keydown', (event) => {
  if (document.body.dataset.view !== 'board') return;
  if (event.key === 'Escape') {
    openPanel(null);
    return hideToast();
  }
  if (mode !== 'counter' || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = byId('code');
  const gap = event.timeStamp - scan.at;
  if (event.key === 'Enter') {
    const isScan = scan.keys.length >= 4 && gap < SCAN_GAP_MS;
    const isTyped = document.activeElement === field || !field.value;
    const keys = scan.keys;
    scan.keys = '';
    if (isTyped && !isScan) return;
    event.preventDefault();
    event.stopPropagation();
    return read(isScan ? keys : field.value);
  }
  if (event.key.length !== 1 || !/[0-9a-z-]/i.test(event.key)) return;
  scan.keys = gap < SCAN_GAP_MS ? scan.keys + event.key : event.key;
  scan.at = event.timeStamp;
  if (document.activeElement === field) return;
  event.preventDefault();
  field.value += event.key.toUpperCase();
  field.focus();
}, true);

document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible' || !link) return;
  awake.ask();
  if (link.wake) link.wake();
});

window.addEventListener('online', () => link && link.wake && link.wake());

// MARK: the beginning

language = shelf.load('language', (navigator.language || '').startsWith('fr') ? 'fr' : 'en');
if (!TEXTS[language]) language = 'en';
if (mode !== 'wall') mode = 'counter';
const kept = sessionStorage.getItem(TOKEN);
if (kept) {
  start(new Link(store, kept));
  learnStore(link).then(showAll);
} else {
  setView('sign-in');
  showAll();
  byId('token').focus();
}
setInterval(show, 1000);
setInterval(turnPages, TURN_MS);
setInterval(() => disputes.size > 0 && chime.play([440, 440, 440]), ALARM_MS);
setInterval(() => link && learnStore(link).then(showAll), 600000);
if (navigator.serviceWorker) {
  // Without it the board works as well, until it is started without a network.
  navigator.serviceWorker.register('/board-assets/worker.js', { scope: '/board/' })
    .catch(() => null);
}
