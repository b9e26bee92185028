// Builds and mends what is seen. Elements are made with the DOM only: no text from the server is
// ever read as HTML.
'use strict';

const byId = (id) => document.getElementById(id);

// Shapes that differ without their colour.
const ICONS = {
  ok: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1.6 14.6-4.2-4.2 1.8-1.8 2.4 2.4 5.6-5.6 1.8 1.8z',
  late: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14zm-1.2 2v6.2'
    + 'l4.4 2.6 1.2-2-3.2-1.9V7z',
  very: 'M12 1.5 23.5 22H.5zm-1.4 7 .4 7h2l.4-7zm.1 8.6v2.6h2.6v-2.6z',
  cut: 'M3 2 1.6 3.4l4.5 4.5A5.5 5.5 0 0 0 6.5 19h10.6l3.5 3.5L22 21zm17.6 11.6A4.5 4.5 0 0 0 18'
    + ' 9.2 6 6 0 0 0 9 5.6z',
  send: 'M12 2 4 10l1.8 1.8 4.9-4.9V18h2.6V6.9l4.9 4.9L20 10zM4 20h16v2H4z',
  live: 'M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14z',
};

function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', ICONS[name]);
  svg.appendChild(path);
  return svg;
}

const hasFocus = (element) => element.contains(document.activeElement);

// An element with classes and children (texts or elements; null is left out).
function make(tag, classes, ...children) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  for (const child of children) {
    if (child !== null && child !== '') element.append(child);
  }
  return element;
}

function makeButton(classes, action, ...children) {
  const button = make('button', classes, ...children);
  button.type = 'button';
  button.dataset.do = action;
  return button;
}

function setText(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

function setIcon(element, name) {
  if (element.dataset.icon === name) return;
  element.dataset.icon = name;
  element.textContent = '';
  element.append(icon(name));
}

// Every fixed text of the page in the language now chosen.
function relabel() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-text]')) {
    setText(element, text(element.dataset.text));
  }
  for (const element of document.querySelectorAll('[data-text=otherLanguage]')) {
    element.lang = language === 'en' ? 'fr' : 'en';
  }
}

// "K 4 X 7": a screen reader spells it.
function spelled(code) { return Array.from(code).join(' '); }

// When the order came into the state that it is in.
function since(order) {
  if (order.state === 'ready' && order.ready_at) return order.ready_at;
  const steps = (order.steps || []).filter((step) => step.state === order.state);
  const last = steps[steps.length - 1];
  return last ? last.at : order.placed_at;
}

// { level: 'ok' | 'late' | 'very', word, minutes } by the store's own thresholds.
function ageOf(order, now, lateMinutes) {
  const minutes = Math.max(0, Math.floor((now - since(order)) / 60000));
  const [late, very] = lateMinutes;
  const level = minutes >= very ? 'very' : minutes >= late ? 'late' : 'ok';
  const words = order.state === 'ready'
    ? { ok: 'justReady', late: 'waiting', very: 'waitingLong' }
    : { ok: 'onTime', late: 'isLate', very: 'veryLate' };
  return { level, word: text(words[level]), minutes };
}

// "2 × Latte, Large": the name in the board's language, else in any.
function lineText(line) {
  const one = (names) => names[language] || names.en || names[Object.keys(names)[0]] || '';
  const name = line.names ? one(line.names) : line.sku || line.item;
  const options = line.options_names ? one(line.options_names) : '';
  return line.quantity + ' × ' + name + (options ? ', ' + options : '')
    + (line.note ? ' (' + line.note + ')' : '');
}

function toPayText(order) {
  const due = (order.tenders || []).filter((tender) => tender.kind === 'at_counter')
    .reduce((sum, tender) => sum + tender.amount, 0);
  return due > 0 ? text('toPay', { amount: moneyText(due, order.currency) }) : '';
}

// What stands under a code. `shown` is {order, age, entry}; entry is a hand-over not yet sent.
function details(shown) {
  const { order, age, entry } = shown;
  const parts = make('span', 'parts');
  if (order.name) parts.append(make('span', 'name', order.name));
  if (entry) {
    parts.append(make('span', 'pill queued', icon('send'),
      text(entry.undo ? 'undoQueued' : 'queued')));
  } else {
    parts.append(make('span', 'pill ' + age.level, icon(age.level),
      age.word + ' · ' + text('minutes', { n: age.minutes })));
  }
  if (order.arrived_at) {
    parts.append(make('span', 'pill arrived',
      order.spot ? text('arrivedAt', { spot: order.spot }) : text('arrived')));
  }
  const extra = make('span', 'extra');
  if (order.state === 'preparing' && order.pickup_at) {
    extra.append(make('span', '', text('pickupAt', { time: timeText(order.pickup_at) })));
  }
  const toPay = toPayText(order);
  if (toPay) extra.append(make('strong', '', toPay));
  const lines = (order.lines || []).slice(0, 4).map(lineText).join(' · ');
  if (lines) extra.append(make('span', '', lines + (order.lines.length > 4 ? ' …' : '')));
  if (extra.hasChildNodes()) parts.append(extra);
  return parts;
}

// A ticket. A ready one at a counter is one large button.
function ticket(shown, isCounter) {
  const { order, entry } = shown;
  const isReady = order.state === 'ready' || Boolean(entry);
  const isButton = isCounter && isReady;
  const parts = [make('span', 'code', order.code), details(shown)];
  const face = isButton ? makeButton('face', entry ? 'take-back' : 'hand-over', ...parts)
    : make('div', 'face', ...parts);
  if (isButton) {
    const what = text(entry ? 'undoOf' : 'handOverOf', { code: spelled(order.code) });
    face.setAttribute('aria-label',
      [what, order.name, face.querySelector('.pill').textContent].filter(Boolean).join(', '));
  }
  return make('li', 'ticket ' + (isReady ? 'ready' : 'preparing') + (entry ? ' queued' : ''), face);
}

// Makes an item look like another one. Its button stays where it can: a button that is replaced
// between a finger's down and up loses the tap.
function graft(item, other) {
  item.className = other.className;
  const [face, fresh] = [item.firstChild, other.firstChild];
  if (face.tagName !== fresh.tagName || item.children.length > 1) {
    item.textContent = '';
    item.append(...other.childNodes);
    return;
  }
  for (const { name, value } of Array.from(fresh.attributes)) face.setAttribute(name, value);
  face.textContent = '';
  face.append(...fresh.childNodes);
}

// Mends a list so that it shows these items, {id, stamp, make()}, in this order. What has not
// changed stays the same element, and the keyboard's focus stays where it was. Says whether items
// moved.
function mend(list, items) {
  let isMoved = false;
  const holder = hasFocus(list) ? document.activeElement.closest('li') : null;
  const focused = holder && holder.dataset.id;
  const old = new Map(Array.from(list.children, (item) => [item.dataset.id, item]));
  const index = Array.from(list.children).findIndex((item) => item.dataset.id === focused);
  let next = list.firstChild;
  for (const { id, stamp, build } of items) {
    let item = old.get(id);
    old.delete(id);
    if (!item) item = build();
    else if (item.dataset.stamp !== stamp) graft(item, build());
    item.dataset.id = id;
    item.dataset.stamp = stamp;
    if (item === next) next = next.nextSibling;
    else {
      list.insertBefore(item, next);
      isMoved = true;
    }
  }
  for (const gone of old.values()) {
    gone.remove();
    isMoved = true;
  }
  if (!holder || hasFocus(list)) return isMoved;
  const same = items.some((item) => item.id === focused)
    ? Array.from(list.children).find((item) => item.dataset.id === focused) : null;
  const heir = same || list.children[Math.min(index, list.children.length - 1)];
  const button = heir && heir.querySelector('button:not([disabled])');
  (button || list).focus();
  return isMoved;
}
