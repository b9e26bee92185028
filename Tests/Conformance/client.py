#!/usr/bin/env python3
"""A small client of the Tote protocol in Python, written from Protocol/ alone.

`tote-sim conformance -- python3 Tests/Conformance/client.py` drives it, line by line, as
Protocol/conformance.md says. It shows that a client can be written from the text; it is not a
product. It does carts (documents) only, and needs nothing but Python's standard library.

Section numbers are those of Protocol/protocol.md. Its parts, from the bottom up: the two encodings
(3.1), the form of the messages (3.2 to 5.2), documents (2), the device (4 to 7), the verbs.
"""
from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import random
import re
import sqlite3
import struct
import sys
import time
import urllib.parse
from typing import Any, Callable, Iterator

Dot = tuple[str, int]
Key = tuple[str, str, str]
Payload = list  # [kind, value]

# Section 3.1: the number of a member is its place in this list.
NAMES = (
    "nonce time writes intent same_as rejected key payload replaces code details position replica "
    "counter keys changes digest cursor ticket formerly wait resend page whole fates events "
    "snapshot covered more server_time documents rejections dot next replicas"
).split()
NUMBERS = {name: number for number, name in enumerate(NAMES)}
GREATEST = 2**53 - 1
REGISTER, BASE, DELTA, FLAG = 0, 1, 2, 3

# Section 9.
BATCH_CHANGES, BATCH_BYTES = 100, 262_144
RESEND_RUNS, RESEND_BYTES = 100, 524_288
FORMER_IDS, OWN_UNSENT_CELLS = 16, 512
KEEP_MS = 30 * 86_400_000


class Refused(Exception):
    """Bytes that are no message; the argument is the `reason`, or empty (section 3.1)."""


class Offline(Exception):
    """No answer, or the answer of something that is no Tote server."""


class Problem(Exception):
    """A problem document of the server (section 7)."""

    def __init__(self, document: dict, retry_after: str | None):
        super().__init__(document["code"])
        self.document = document
        self.code: str = document["code"]
        self.retry_after = retry_after


class Id(str):
    """An id: 16 hex digits in JSON, 8 bytes in CBOR (section 3.2)."""


class Members(dict):
    """A map whose members have numbers in CBOR (section 3.1), unlike the maps of values."""


# --- Section 3.1: CBOR and JSON -------------------------------------------------------------------


def head(major: int, argument: int) -> bytes:
    """The shortest head (M-ENC-2)."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for more, form in ((24, ">BB"), (25, ">BH"), (26, ">BI"), (27, ">BQ")):
        if argument < 1 << (8 << (more - 24)):
            return struct.pack(form, major << 5 | more, argument)
    raise Refused("integer_range")


def encode(item: Any) -> bytes:
    """Deterministic CBOR of a message that a reader of `MESSAGES` gave."""
    if item is None or isinstance(item, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[item]
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, Id):
        return b"\x48" + bytes.fromhex(item)
    if isinstance(item, str):
        text = item.encode()
        return head(3, len(text)) + text
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(encode, item))
    numbers = NUMBERS if isinstance(item, Members) else {}
    pairs = sorted((encode(numbers.get(name, name)), encode(what)) for name, what in item.items())
    return head(5, len(item)) + b"".join(key + what for key, what in pairs)


class CborParser:
    """Deterministic CBOR and nothing else (M-ENC-1 to M-ENC-8); byte strings stay `bytes`."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def message(self) -> Any:
        item = self.item(0)
        if self.at < len(self.data):
            raise Refused("trailing_bytes")
        return item

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise Refused("truncated")
        self.at += count
        return self.data[self.at - count:self.at]

    def argument(self, more: int) -> int:
        if more < 24:
            return more
        if more > 27:
            raise Refused("not_canonical")
        size = 1 << (more - 24)
        argument = int.from_bytes(self.take(size), "big")
        if argument < (24 if size == 1 else 1 << 4 * size):
            raise Refused("not_canonical")
        return argument

    def item(self, depth: int) -> Any:
        first = self.take(1)[0]
        major, more = first >> 5, first & 31
        if major == 7:
            if 25 <= more <= 27:
                raise Refused("float")
            if first not in (0xF4, 0xF5, 0xF6):
                raise Refused("wrong_type")
            return {0xF4: False, 0xF5: True, 0xF6: None}[first]
        if major == 6:
            raise Refused("unsupported_item")
        argument = self.argument(more)
        if major < 2:
            if argument > GREATEST - major:
                raise Refused("integer_range")
            return -1 - argument if major else argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            try:
                return self.take(argument).decode()
            except UnicodeDecodeError:
                raise Refused("invalid_utf8") from None
        if depth == 16:
            raise Refused("too_deep")
        if argument > len(self.data) - self.at:
            raise Refused("truncated")
        if major == 4:
            return [self.item(depth + 1) for _ in range(argument)]
        return self.map(argument, depth + 1)

    def map(self, count: int, depth: int) -> dict:
        result: dict = {}
        before = b""
        for _ in range(count):
            start = self.at
            if self.data[start:start + 1] and self.data[start] >> 5 not in (0, 1, 3):
                raise Refused("wrong_type")
            key = self.item(depth)
            encoded = self.data[start:self.at]
            if encoded <= before:
                raise Refused("duplicate_key" if encoded == before else "key_order")
            before = encoded
            result[key] = self.item(depth)
        return result


def parse_json(data: bytes) -> Any:
    """JSON as RFC 7493 restricts it (M-ENC-3 to M-ENC-5, M-ENC-7, M-ENC-9)."""

    def integer(digits: str) -> int:
        if digits == "-0":
            raise Refused("syntax")
        if len(digits) > 17 or abs(int(digits)) > GREATEST:
            raise Refused("integer_range")
        return int(digits)

    def refuse(reason: str) -> Callable[[str], Any]:
        def refusal(_: str) -> Any:
            raise Refused(reason)
        return refusal

    def members(pairs: list[tuple[str, Any]]) -> dict:
        if len(dict(pairs)) < len(pairs):
            raise Refused("duplicate_key")
        return dict(pairs)

    def check(item: Any, depth: int) -> None:
        if isinstance(item, str) and re.search("[\ud800-\udfff]", item):
            raise Refused("invalid_escape")
        if isinstance(item, (dict, list)):
            if depth == 16:
                raise Refused("too_deep")
            for inner in item:
                check(inner, depth + 1)
            for inner in item.values() if isinstance(item, dict) else ():
                check(inner, depth + 1)

    try:
        item = json.loads(data.decode(), parse_int=integer, parse_float=refuse("float"),
                          parse_constant=refuse("syntax"), object_pairs_hook=members)
    except UnicodeDecodeError:
        raise Refused("invalid_utf8") from None
    except RecursionError:
        raise Refused("too_deep") from None
    except json.JSONDecodeError:
        raise Refused("") from None
    check(item, 0)
    return item


# --- Sections 3.2 to 5.2: the form of the messages -----------------------------------------------
# A reader takes what a parser gave, and whether that was of CBOR, and gives the message in JSON's
# form with `Id` and `Members`. What is empty, 0 or false is left out.

Reader = Callable[[Any, bool], Any]


def demand(holds: bool, reason: str) -> None:
    if not holds:
        raise Refused(reason)


def ident(raw: Any, cbor: bool) -> Id:
    """M-ID-1."""
    if cbor:
        demand(isinstance(raw, bytes) and len(raw) == 8, "wrong_type")
        return Id(raw.hex())
    demand(isinstance(raw, str) and re.fullmatch("[0-9a-f]{16}", raw) is not None, "wrong_type")
    return Id(raw)


def exactly(kind: type) -> Reader:
    def read(raw: Any, cbor: bool) -> Any:
        demand(type(raw) is kind, "wrong_type")
        return raw
    return read


def integer(least: int, most: int = GREATEST) -> Reader:
    def read(raw: Any, cbor: bool) -> int:
        demand(type(raw) is int, "wrong_type")
        demand(least <= raw <= most, "out_of_range")
        return raw
    return read


def array(of: Reader, most: int = GREATEST, empty: bool = True) -> Reader:
    def read(raw: Any, cbor: bool) -> list:
        demand(isinstance(raw, list), "wrong_type")
        demand(len(raw) <= most, "too_long")
        demand(empty or raw != [], "not_canonical")
        return [of(element, cbor) for element in raw]
    return read


def fixed(*of: Reader) -> Reader:
    def read(raw: Any, cbor: bool) -> list:
        demand(isinstance(raw, list), "wrong_type")
        demand(len(raw) >= len(of), "missing_member")
        demand(len(raw) <= len(of), "too_long")
        return [reader(element, cbor) for reader, element in zip(of, raw)]
    return read


def texts_to(of: Reader) -> Reader:
    """A map whose names are texts of the app, not members."""
    def read(raw: Any, cbor: bool) -> dict:
        demand(isinstance(raw, dict) and all(isinstance(key, str) for key in raw), "wrong_type")
        return {name: of(what, cbor) for name, what in raw.items()}
    return read


def members(need: dict[str, Reader], may: dict[str, Reader], defaults: str = "",
            extra: Reader | None = None, strict: bool = False) -> Reader:
    """A map of members, of which the `defaults` are left out when they are empty, 0 or false.

    Unknown ones are refused (`strict`), read by `extra`, or ignored (M-ENC-10).
    """
    known = need | may

    def read(raw: Any, cbor: bool) -> Members:
        demand(isinstance(raw, dict), "wrong_type")
        result = Members()
        for key, what in raw.items():
            name = member_name(key) if cbor else key
            if name in known:
                result[name] = known[name](what, cbor)
            elif strict or (extra and name in NUMBERS):
                raise Refused("unknown_member")
            elif extra:
                result[name] = extra(what, cbor)
        for name in defaults.split():
            if not result.get(name, True):
                del result[name]
        demand(all(name in result for name in need), "missing_member")
        return result
    return read


def member_name(key: int | str) -> str:
    """M-ENC-6."""
    if isinstance(key, str):
        demand(key not in NUMBERS, "not_canonical")
        return key
    demand(key >= 0, "wrong_type")
    demand(key < len(NAMES), "unknown_member")
    return NAMES[key]


def read_value(raw: Any, cbor: bool, depth: int = 0) -> Any:
    """M-VAL-1."""
    if isinstance(raw, (list, dict)):
        demand(depth < 4, "too_deep")
        shape = array if isinstance(raw, list) else texts_to
        return shape(lambda inner, _: read_value(inner, cbor, depth + 1))(raw, cbor)
    if raw is None or isinstance(raw, (bool, str)):
        return raw
    return integer(-GREATEST)(raw, cbor)


def read_payload(raw: Any, cbor: bool) -> Payload:
    """M-PAY-1."""
    kind, what = fixed(NATURAL, read_value)(raw, cbor)
    if kind in (BASE, DELTA):
        integer(-GREATEST)(what, cbor)
    if kind == FLAG:
        demand(BOOLEAN(what, cbor), "out_of_range")
    return [kind, what]


def read_change(raw: Any, cbor: bool) -> Members:
    """M-CHG-2."""
    result = members({"nonce": ident}, {
        "time": TIME, "writes": array(WRITE, empty=False), "intent": read_value, "same_as": DOT,
        "rejected": REJECTION}, extra=read_value)(raw, cbor)
    if result.get("time") == [0, 0]:
        del result["time"]
    return result


def with_batch(form: Reader) -> Reader:
    """M-CHG-1, and the counters of a request or a run."""
    def read(raw: Any, cbor: bool) -> Members:
        message = form(raw, cbor)
        keys, used = message.get("keys", []), 0
        demand(keys != [] or "keys" not in message, "duplicate_key")
        demand(len(set(map(tuple, keys))) == len(keys), "duplicate_key")
        for write in (w for c in message.get("changes", []) for w in c.get("writes", [])):
            demand(write["key"] <= used and write["key"] < len(keys), "out_of_range")
            used = max(used, write["key"] + 1)
        demand(used == len(keys), "not_canonical")
        if "changes" in message:
            demand("counter" in message, "missing_member")
            demand(message["counter"] + len(message["changes"]) <= GREATEST, "integer_range")
        return message
    return read


def read_cell(raw: Any, cbor: bool) -> list:
    """M-SNP-1: a time exactly when the kind is not delta or flag."""
    parts = [NATURAL, integer(1), read_payload]
    if isinstance(raw, list) and len(raw) > 2:
        if read_payload(raw[2], cbor)[0] not in (DELTA, FLAG):
            parts.append(TIME)
    return fixed(*parts)(raw, cbor)


def read_snapshot(raw: Any, cbor: bool) -> Members:
    """Section 4.5."""
    result = members({"position": NATURAL}, {
        "documents": texts_to(texts_to(texts_to(array(read_cell)))), "next": NATURAL,
        "rejections": array(LOGGED_REJECTION), "replicas": array(ident),
    }, defaults="documents rejections next replicas")(raw, cbor)
    replicas = len(result.get("replicas", []))
    for fields in (item for items in result.get("documents", {}).values()
                   for item in items.values()):
        demand(all(c[0] < replicas for cells in fields.values() for c in cells), "out_of_range")
    return result


NATURAL, TEXT, BOOLEAN = integer(0), exactly(str), exactly(bool)
DOT = fixed(ident, integer(1))
TIME = fixed(integer(0, 2**48 - 1), integer(0, 2**16 - 1))
CURSOR = fixed(ident, NATURAL)
WRITE = members({"key": NATURAL}, {"payload": read_payload, "replaces": array(DOT, empty=False)},
                strict=True)
REJECTION = members({"code": TEXT}, {"details": read_value})
LOGGED_REJECTION = members({"nonce": ident, "time": TIME, "code": TEXT, "dot": DOT},
                           {"details": read_value})
BATCH = {"counter": NATURAL, "keys": array(fixed(TEXT, TEXT, TEXT)),
         "changes": array(read_change, BATCH_CHANGES)}
RUN = with_batch(members({"replica": ident, "counter": NATURAL, "changes": BATCH["changes"]},
                         BATCH | {"position": NATURAL, "digest": ident},
                         defaults="position counter changes"))
REQUEST = with_batch(members({"replica": ident}, BATCH | {
    "cursor": CURSOR, "ticket": ident, "formerly": array(ident, FORMER_IDS),
    "wait": integer(0, 25), "resend": array(RUN, RESEND_RUNS), "page": fixed(NATURAL, NATURAL),
    "whole": BOOLEAN}, defaults="counter changes formerly wait resend whole"))
FATE_MAP = members({"position": NATURAL}, {"same_as": DOT, "rejected": REJECTION})
REPLY = members({"cursor": CURSOR, "server_time": TIME}, {
    "ticket": ident, "events": array(RUN), "snapshot": read_snapshot, "covered": NATURAL,
    "fates": array(lambda raw, cbor: (FATE_MAP if isinstance(raw, dict) else NATURAL)(raw, cbor)),
    "more": BOOLEAN}, defaults="fates events more")
MESSAGES: dict[str, Reader] = {
    "request": REQUEST, "reply": REPLY, "run": RUN, "snapshot": read_snapshot, "value": read_value}


def decode(kind: str, encoding: str, data: bytes) -> Any:
    """A message from its bytes (section 3)."""
    cbor = encoding == "cbor"
    return MESSAGES[kind](CborParser(data).message() if cbor else parse_json(data), cbor)


def bytes_of(kind: str, message: Any) -> bytes:
    """Deterministic CBOR of a message in JSON's form."""
    return encode(MESSAGES[kind](message, False))


# --- Sections 3.9 and 4.4: runs and changes ------------------------------------------------------


def expand(run: dict) -> list[dict]:
    """The changes of a run, each with its `dot` and with keys in place of places in the table."""
    keys = run.get("keys", [])
    changes = []
    for number, change in enumerate(run["changes"]):
        change = dict(change, dot=[run["replica"], run["counter"] + number])
        if "writes" in change:
            change["writes"] = [dict(w, key=keys[w["key"]]) for w in change["writes"]]
        changes.append(change)
    return changes


def collapse(changes: list[dict]) -> dict:
    """The run of changes with consecutive dots: the reverse of `expand` (M-CHG-1)."""
    table: dict[Key, int] = {}
    run = {"replica": changes[0]["dot"][0], "counter": changes[0]["dot"][1], "changes": []}
    for change in changes:
        change = {name: what for name, what in change.items() if name != "dot"}
        if "writes" in change:
            change["writes"] = [dict(w, key=table.setdefault(tuple(w["key"]), len(table)))
                                for w in change["writes"]]
        run["changes"].append(change)
    if table:
        run["keys"] = [list(key) for key in table]
    return run


def batch_bytes(run: dict) -> bytes:
    """What `digest` is over, and what `batch_bytes` limits (M-SHA-1, M-LIM-1)."""
    members = ("replica", "counter", "keys", "changes")
    return bytes_of("run", {name: run[name] for name in members if name in run})


def is_void(change: dict) -> bool:
    """Events that write nothing (section 2.3)."""
    return "rejected" in change or "same_as" in change


# --- Section 2: documents ------------------------------------------------------------------------


class Documents:
    """The live cells of a space, by key and dot (section 2.2)."""

    def __init__(self) -> None:
        self.cells: dict[Key, dict[Dot, tuple[Payload, list | None]]] = {}

    @classmethod
    def of(cls, snapshot: dict) -> Documents:
        documents = cls()
        documents.add(snapshot)
        return documents

    def add(self, snapshot: dict) -> None:
        """The cells of a snapshot, or of one of its pages (section 4.5)."""
        replicas = snapshot.get("replicas", [])
        for collection, items in snapshot.get("documents", {}).items():
            for item, fields in items.items():
                for field, cells in fields.items():
                    for place, counter, payload, *when in cells:
                        dot = (replicas[place], counter)
                        cell = (payload, when[0] if when else None)
                        self.cells.setdefault((collection, item, field), {})[dot] = cell

    def snapshot(self, position: int) -> dict:
        """The snapshot of these documents (section 4.5)."""
        replicas = sorted({dot[0] for cells in self.cells.values() for dot in cells})
        documents: dict = {}
        for (collection, item, field), cells in self.cells.items():
            documents.setdefault(collection, {}).setdefault(item, {})[field] = [
                [replicas.index(replica), counter, payload] + ([when] if when else [])
                for (replica, counter), (payload, when) in sorted(cells.items())]
        result: dict = {"position": position}
        if documents:
            result |= {"documents": documents, "replicas": replicas}
        return result

    def copy(self) -> Documents:
        copy = Documents()
        copy.cells = {key: dict(cells) for key, cells in self.cells.items()}
        return copy

    def apply(self, change: dict) -> None:
        """Section 2.3: M-APP-1, M-APP-2."""
        if is_void(change):
            return
        for write in change.get("writes", []):
            key = tuple(write["key"])
            cells = self.cells.setdefault(key, {})
            for dot in write.get("replaces", []):
                cells.pop(tuple(dot), None)
            if "payload" in write:
                timed = write["payload"][0] not in (DELTA, FLAG)
                when = change.get("time", [0, 0]) if timed else None
                cells[tuple(change["dot"])] = (write["payload"], when)
            if not cells:
                del self.cells[key]

    def of_kind(self, key: Key, kind: int) -> list:
        """The values of the cells of a kind (M-FLD-3), greatest first where they have times."""
        cells = [(when or [], dot, payload[1])
                 for dot, (payload, when) in self.cells.get(key, {}).items() if payload[0] == kind]
        return [value for _, _, value in sorted(cells, key=lambda c: c[:2], reverse=True)]

    def register(self, key: Key) -> dict | None:
        """M-FLD-1."""
        values = self.of_kind(key, REGISTER)
        return {"value": values[0], "conflict": values[1:]} if values else None

    def counter(self, key: Key) -> int:
        """M-FLD-2."""
        return sum(self.of_kind(key, BASE)[:1]) + sum(self.of_kind(key, DELTA))

    def flag(self, key: Key) -> bool:
        """M-FLD-4."""
        return bool(self.of_kind(key, FLAG))


def view_of(confirmed: Documents, pending: list[dict]) -> Documents:
    """The confirmed state ⊕ the outbox (section 2.5)."""
    view = confirmed.copy()
    for change in pending:
        view.apply(change)
    return view


def writes_of(confirmed: Documents, pending: list[dict], edit: list) -> list[dict]:
    """The writes of an edit (section 2.6), their keys written out."""
    verb, collection, item, *rest = edit
    view = view_of(confirmed, pending)
    seen: dict[Key, list[Dot]] = {}  # M-EDT-4
    for key, cells in confirmed.cells.items():
        if key[:2] == (collection, item):
            seen[key] = sorted(cells)
    for change in pending:
        for write in change.get("writes", []):
            key, dot = tuple(write["key"]), tuple(change["dot"])
            if key[:2] == (collection, item) and "payload" in write:
                if dot not in seen.setdefault(key, []):
                    seen[key].append(dot)

    def write(field: str, payload: Payload | None, replacing: bool = True) -> dict:
        key = (collection, item, field)
        result: dict = {"key": list(key)}
        if payload:
            result["payload"] = payload
        if replacing and seen.get(key):
            result["replaces"] = [list(dot) for dot in seen[key]]
        return result

    def erasures(but: str | None = None) -> list[dict]:
        fields = sorted(key[2] for key in seen if key[2] != but)
        return [write(field, None) for field in fields]

    quantity = view.counter((collection, item, "quantity"))
    if verb == "add":
        amount = rest[0]
        if quantity > 0:
            amount = max(amount, -quantity)
            return [write("quantity", [DELTA, amount], replacing=False)] if amount else []
        return erasures("quantity") + [write("quantity", [DELTA, amount])] if amount > 0 else []
    if verb == "remove" or (verb == "set" and rest[0] <= 0):
        return erasures()
    if verb == "set":
        return ([] if quantity > 0 else erasures("quantity")) + [write("quantity", [BASE, rest[0]])]
    if verb == "put":
        return [write(rest[0], [REGISTER, rest[1]])]
    if verb == "flag":
        member = view.flag((collection, item, "member"))
        return ([] if member else erasures("member")) + [write("member", [FLAG, True])]
    raise ValueError(f"no such edit: {verb}")


def line_name(sku: str, options: dict[str, str]) -> str:
    """M-NAM-1."""
    def written(part: str) -> str:
        return part.replace("%", "%25").replace("|", "%7C").replace("=", "%3D")

    parts = [f"{written(group)}={written(value)}" for group, value in options.items()]
    return "|".join([written(sku)] + sorted(parts, key=str.encode))


# --- Sections 4 to 7: the device -----------------------------------------------------------------


class Store:
    """What survives the process: named JSON texts in SQLite, written in whole transactions."""

    def __init__(self, directory: str):
        self.db = sqlite3.connect(os.path.join(directory, "client.db"), isolation_level=None)
        self.db.execute("PRAGMA synchronous = EXTRA")
        self.db.execute("CREATE TABLE IF NOT EXISTS state"
                        " (part TEXT, name TEXT, body TEXT, PRIMARY KEY (part, name))")
        self.disk: dict[tuple[str, str], str] = {}

    def load(self) -> dict[str, dict[str, Any]]:
        parts: dict[str, dict[str, Any]] = {}
        rows = self.db.execute("SELECT part, name, body FROM state ORDER BY part, name").fetchall()
        self.disk = {(part, name): body for part, name, body in rows}
        for part, name, body in rows:
            parts.setdefault(part, {})[name] = json.loads(body)
        return parts

    def save(self, parts: dict[str, dict[str, Any]]) -> None:
        """Makes the named parts what they are now; what did not change is not written."""
        now = {(part, name): json.dumps(what) for part, names in parts.items()
               for name, what in names.items()}
        self.db.execute("BEGIN IMMEDIATE")
        for place in [p for p in self.disk if p[0] in parts and p not in now]:
            self.db.execute("DELETE FROM state WHERE part = ? AND name = ?", place)
        for place, body in now.items():
            if self.disk.get(place) != body:
                self.db.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (*place, body))
        self.db.execute("COMMIT")
        self.disk = {p: b for p, b in self.disk.items() if p[0] not in parts} | now


class Device:
    """One installation in one space.

    `outbox` holds the own changes that no event has confirmed, each with its `dot`, its raw clock
    `reading` and, once there is a fate, the position it was `judged` at; `hidden` is one whose
    nonce came in an event before (M-PULL-6). `kept` holds accepted changes for a new epoch (6.4),
    by nonce. `own` has the nonce of each counter that was made ready to send under this id.
    """

    def __init__(self, directory: str, url: str, token: str, space: str, clock_offset_ms: int):
        self.url, self.token, self.space = urllib.parse.urlsplit(url), token, space
        self.clock_offset_ms = clock_offset_ms
        self.store = Store(directory)
        self.whole = False
        self.pages: Documents | None = None
        self.page: list[int] | None = None
        self.page_rejections: list[dict] = []
        self.load()

    # Durable state

    def load(self) -> None:
        parts = self.store.load()
        self.clock_known = False  # whether the server's time was learnt in this process
        self.meta: dict[str, Any] = parts.get("meta", {}).get("device") or {
            "replica": new_id(), "next": 1, "ticket": None, "formerly": [], "cursor": None,
            "resend": False, "refused": [], "offset": 0, "stamp": [0, 0], "era": 0}
        self.batch: dict | None = parts.get("meta", {}).get("batch")
        self.sent: list[dict] = list(parts.get("sent", {}).values())
        self.outbox: list[dict] = list(parts.get("outbox", {}).values())
        self.kept: dict[str, dict] = parts.get("kept", {})
        self.own: dict[int, str] = {int(k): nonce for k, nonce in parts.get("own", {}).items()}
        self.confirmed = Documents()
        for key, cells in parts.get("cells", {}).items():
            self.confirmed.cells[tuple(json.loads(key))] = {
                (replica, counter): (payload, when) for replica, counter, payload, when in cells}
        self.drop_pages()

    def parts(self) -> dict[str, dict[str, Any]]:
        return {
            "meta": {"device": self.meta, "batch": self.batch},
            "sent": {f"{i:08}": batch for i, batch in enumerate(self.sent)},
            "outbox": {f"{i:08}": change for i, change in enumerate(self.outbox)},
            "kept": self.kept,
            "own": {str(counter): nonce for counter, nonce in self.own.items()},
            "cells": {json.dumps(key): [[*dot, *cell] for dot, cell in cells.items()]
                      for key, cells in self.confirmed.cells.items()}}

    @contextlib.contextmanager
    def transaction(self, *parts: str) -> Iterator[None]:
        """All or nothing, on the disk when it ends; what fails is as if it had not begun."""
        try:
            yield
            self.store.save({p: w for p, w in self.parts().items() if not parts or p in parts})
        except BaseException:
            if self.store.db.in_transaction:
                self.store.db.execute("ROLLBACK")
            self.load()
            raise

    # What the app asks

    def clock(self) -> int:
        return time.time_ns() // 1_000_000 + self.clock_offset_ms

    def unjudged(self) -> list[dict]:
        return [change for change in self.outbox if "judged" not in change]

    def pending(self) -> list[dict]:
        """What of the outbox is in the view, with the stamp that it has or would have."""
        offset = self.meta["offset"]
        return [{"time": [max(1, change["reading"] + offset), 0]} | change
                for change in self.outbox if "hidden" not in change]

    def change(self, edit: list) -> None:
        """Makes one edit (section 2.6); durable when it returns."""
        writes = writes_of(self.confirmed, self.pending(), edit)
        if not writes:
            return
        for write in writes:  # M-LIM-3
            own = sum(w["key"] == write["key"] and "payload" in w
                      for change in self.unjudged() for w in change["writes"])
            if own >= OWN_UNSENT_CELLS and "payload" in write:
                raise ValueError("too many changes of this field are not sent yet")
        with self.transaction("meta", "outbox"):
            self.outbox.append({"dot": [self.meta["replica"], self.meta["next"]],
                                "nonce": new_id(), "reading": self.clock(), "writes": writes})
            self.meta["next"] += 1

    def show(self, collection: str) -> dict:
        view = view_of(self.confirmed, self.pending())
        lines = {key[1]: view.counter(key) for key in sorted(view.cells)
                 if key[0] == collection and key[2] == "quantity"}
        return {"lines": {item: n for item, n in lines.items() if n > 0},
                "outbox": len(self.unjudged()), "refused": self.meta["refused"]}

    def sync(self) -> str:
        """Sends what is to be sent and takes in what is new, in as many exchanges as it takes."""
        self.drop_pages()
        troubles = 0
        while True:
            try:
                if self.exchange():
                    return "synced"
            except Offline:
                return "offline"
            except Problem as problem:
                troubles += 1
                if troubles > 8:
                    raise
                if not self.deal_with(problem):
                    return "offline"

    # Section 5: exchange

    def exchange(self) -> bool:
        """One exchange; true when the outbox is empty and nothing more is to be had."""
        if self.meta["resend"]:
            self.resend()
            return False
        if self.unjudged() and not self.batch and not self.page:
            self.cut()
        request: dict[str, Any] = {"replica": self.meta["replica"]}
        if self.page:
            request["page"] = self.page
        elif self.batch:
            request |= {name: self.batch[name] for name in
                        ("counter", "keys", "changes", "ticket", "formerly") if name in self.batch}
        if self.meta["cursor"]:
            request["cursor"] = self.meta["cursor"]
        if self.whole:
            request["whole"] = True
        reply = self.post(request)
        with self.transaction():
            again = self.take_in(request, reply)
        return not (again or self.page or self.unjudged() or reply.get("more"))

    def http(self, method: str, path: str, body: bytes | None = None) -> tuple:
        """One HTTP exchange: status, kind of content, body, Retry-After."""
        https = self.url.scheme == "https"
        connect = http.client.HTTPSConnection if https else http.client.HTTPConnection
        connection = connect(self.url.hostname, self.url.port, timeout=10)
        headers = {"Accept": "application/cbor, application/problem+json"}
        if body is not None:
            headers |= {"Content-Type": "application/cbor", "Authorization": f"Bearer {self.token}"}
        try:
            connection.request(method, self.url.path.rstrip("/") + path, body, headers)
            answer = connection.getresponse()
            kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
            return answer.status, kind, answer.read(), answer.getheader("Retry-After")
        except (OSError, http.client.HTTPException) as error:
            raise Offline from error
        finally:
            connection.close()

    def post(self, request: dict) -> dict:
        """A request and its reply (sections 5.1, 5.2), or the problem in its place (7)."""
        body = bytes_of("request", request)
        path = f"/v1/spaces/{urllib.parse.quote(self.space, safe=':')}/sync"
        status, kind, answer, retry_after = self.http("POST", path, body)
        if kind == "application/problem+json":
            document = problem_of(answer)
            if document and document.get("status") == status:
                raise Problem(document, retry_after)
        if status != 200 or kind != "application/cbor":
            raise Offline
        try:
            reply = decode("reply", "cbor", answer)
        except Refused as refusal:
            raise Offline from refusal
        same_epoch = reply["cursor"][0] == request.get("cursor", reply["cursor"])[0]
        if not same_epoch or len(reply.get("fates", [])) != len(request.get("changes", [])):
            raise Offline
        self.learn(reply["server_time"])
        return reply

    def learn(self, server_time: list[int]) -> None:
        """How far the server's time is from this clock (section 12, Stamps)."""
        self.meta["offset"] = server_time[0] - self.clock()
        self.clock_known = True

    def handshake(self) -> None:
        """Section 5.6, for the server's time before a batch is cut; M-VER-1."""
        status, _, answer, _ = self.http("GET", "/v1/handshake")
        try:
            handshake = parse_json(answer)
            versions = handshake["protocol"]
            server_time = TIME(handshake["server_time"], False)
            spoken = versions["min"] <= 1 <= versions["max"]
        except (Refused, KeyError, TypeError) as error:
            raise Offline from error
        if status != 200 or handshake.get("product") != "tote":
            raise Offline
        if not spoken:
            raise ValueError("the server does not speak version 1: this app is to be updated")
        self.learn(server_time)

    # Section 5.3: batches and tickets

    def cut(self) -> None:
        """Cuts and stamps a batch and makes it durable (M-PUSH-1, M-LIM-1)."""
        if not self.clock_known:
            self.handshake()
        with self.transaction("meta", "outbox", "own"):
            floor = self.meta["stamp"]
            changes = self.unjudged()[:BATCH_CHANGES]
            self.stamp(changes, floor, self.clock() + self.meta["offset"])
            while len(changes) > 1 and len(batch_bytes(run_of(changes))) > BATCH_BYTES:
                changes.pop().pop("time")
            self.batch = run_of(changes) | {"floor": floor}
            self.meta["stamp"] = changes[-1]["time"]
            if self.meta["ticket"]:
                self.batch["ticket"] = self.meta["ticket"]
            if self.meta["formerly"]:
                self.batch["formerly"] = self.meta["formerly"]
            for change in changes:
                self.own[change["dot"][1]] = change["nonce"]

    def stamp(self, changes: list[dict], before: list[int], server_ms: int) -> None:
        """Stamps from raw readings, never ahead of the server, rising (section 12, Stamps)."""
        for change in changes:
            stamp = [max(1, min(change["reading"] + self.meta["offset"], server_ms)), 0]
            change["time"] = before = max(stamp, after(before))

    def take_in(self, request: dict, reply: dict) -> bool:
        """Takes in a reply, in the transaction of the caller (section 5.4); true: ask again."""
        if not self.meta["cursor"]:
            self.meta["cursor"] = [reply["cursor"][0], 0]  # from here on the epoch is checked
        if "changes" in request:
            self.take_fates(reply)
        again = False
        if "snapshot" in reply:
            again = self.take_snapshot(reply)
        else:
            if self.page:
                self.drop_pages()
                again = True
            events = self.resolve(reply.get("events", []))
            if events is None:
                return True
            for position, change in events:
                self.take_event(position, change, reply["server_time"][0])
            self.meta["cursor"] = reply["cursor"]
        self.whole = False
        self.forget(reply)
        return again

    def take_fates(self, reply: dict) -> None:
        """The fates of the batch (section 4.3) and the new ticket; the batch leaves the outbox."""
        batch = self.batch
        last = 0
        for entry, fate in zip(self.unjudged(), reply["fates"]):
            fate = {"position": fate} if isinstance(fate, int) else fate
            last = max(last, fate["position"])
            if "rejected" in fate:
                self.meta["refused"].append(fate["rejected"]["code"])
                self.outbox.remove(entry)
                continue
            if "same_as" not in fate and entry["nonce"] not in self.kept:
                self.keep(fate["position"], sendable(entry), reply["server_time"][0])
            entry["judged"] = fate["position"]
            if "hidden" in entry or fate["position"] <= self.meta["cursor"][1]:
                self.outbox.remove(entry)
        self.sent.append({"run": {n: batch[n] for n in ("replica", "counter", "keys", "changes")
                                  if n in batch}, "until": last})
        self.batch = None
        self.meta["formerly"] = []
        self.meta["ticket"] = reply.get("ticket", self.meta["ticket"])

    # Section 5.4: pulling

    def resolve(self, runs: list[dict]) -> list[tuple[int, dict]] | None:
        """The events behind the cursor, own ones in full (section 4.4, the reader's algorithm).

        None when they cannot be taken in: a copy took a new id, or own changes are asked for whole.
        """
        events = []
        for run in runs:
            for number, change in enumerate(expand(run)):
                position = run["position"] + number
                if position <= self.meta["cursor"][1]:
                    continue
                if run["replica"] == self.meta["replica"]:
                    if self.own.get(change["dot"][1]) != change["nonce"]:
                        self.fork()
                        return None
                    short = "digest" in run or "time" not in change
                    if short and not is_void(change):
                        change = self.as_sent(change["dot"][1], run.get("digest"))
                        if not change:
                            if self.whole:
                                raise ValueError("the server does not give changes in full")
                            self.whole = True  # M-PULL-2
                            return None
                events.append((position, change))
        return events

    def as_sent(self, counter: int, digest: str | None) -> dict | None:
        """The own change from the batch that has this digest."""
        for batch in self.sent:
            for change in expand(batch["run"]):
                if change["dot"][1] == counter:
                    if hashlib.sha256(batch_bytes(batch["run"])).hexdigest()[:16] == digest:
                        return change
        return None

    def take_event(self, position: int, change: dict, server_ms: int) -> None:
        """Applies an event to the confirmed state and takes it out of the view (M-PULL-6)."""
        for entry in [e for e in self.outbox if e["nonce"] == change["nonce"]]:
            if "judged" in entry:
                self.outbox.remove(entry)
            else:
                entry["hidden"] = True
        self.confirmed.apply(change)
        if not is_void(change) and change["dot"][0] != self.meta["cursor"][0]:
            self.keep(position, change, server_ms)

    def take_snapshot(self, reply: dict) -> bool:
        """A snapshot or a page of it (M-PULL-3, M-PULL-5); true: ask again at once."""
        snapshot = reply["snapshot"]
        position = snapshot["position"]
        if self.pages is None or self.page[0] != position:
            self.pages, self.page_rejections = Documents(), []
        self.pages.add(snapshot)
        self.page_rejections += snapshot.get("rejections", [])
        if "next" in snapshot:
            self.page = [position, snapshot["next"]]
            return True
        refused = {rejection["nonce"] for rejection in self.page_rejections}
        self.outbox = [e for e in self.outbox if e.get("judged", position + 1) > position]
        for entry in self.outbox:
            if entry["nonce"] in refused:
                entry["hidden"] = True
        for kept in self.kept.values():
            if kept["until"] is None:
                kept["until"] = position
        self.confirmed = self.pages
        self.meta["cursor"] = reply["cursor"]
        dots = {dot for cells in self.confirmed.cells.values() for dot in cells}
        dots |= {tuple(rejection["dot"]) for rejection in self.page_rejections}
        self.drop_pages()
        if any(r == self.meta["replica"] and c not in self.own for r, c in dots):
            self.fork()  # section 12, Snapshots and copies
        return False

    def drop_pages(self) -> None:
        self.pages, self.page, self.page_rejections = None, None, []

    # Section 6.3: forks

    def fork(self) -> None:
        """Takes a new id and renumbers the outbox (M-FORK-1, M-FORK-3)."""
        replica = new_id()
        unjudged = self.unjudged()
        renamed = {}
        for counter, entry in enumerate(unjudged, 1):
            renamed[tuple(entry["dot"])] = [replica, counter]
            entry["dot"] = [replica, counter]
            entry.pop("time", None)
        for entry in unjudged:
            for write in entry["writes"]:
                if "replaces" in write:
                    write["replaces"] = [renamed.get(tuple(d), d) for d in write["replaces"]]
        if self.batch:
            self.meta["stamp"] = self.batch["floor"]
        formerly = (self.meta["formerly"] + [self.meta["replica"]])[-FORMER_IDS:]
        self.meta |= {"replica": replica, "next": len(unjudged) + 1, "ticket": None,
                      "formerly": formerly}
        self.batch, self.own, self.sent = None, {}, []

    # Section 6.4: epochs and resending

    def keep(self, position: int, change: dict, server_ms: int) -> None:
        """Keeps an accepted change for a server that is restored (M-EPO-2)."""
        self.kept[change["nonce"]] = {"log": [self.meta["era"], position], "until": position,
                                      "change": change, "at": server_ms}

    def forget(self, reply: dict) -> None:
        """Drops what the newest backup holds, or is 30 days old, and batches that came back."""
        covered, now = reply.get("covered", 0), reply["server_time"][0]
        self.kept = {nonce: kept for nonce, kept in self.kept.items()
                     if (kept["until"] is None or kept["until"] > covered)
                     and now - kept["at"] < KEEP_MS}
        position = self.meta["cursor"][1]
        self.sent = [batch for batch in self.sent if batch["until"] > position]

    def new_epoch(self, epoch: str) -> None:
        """Drops the ticket and goes back to position 0 of the new epoch (M-EPO-1, M-EPO-3)."""
        self.meta |= {"ticket": None, "cursor": [epoch, 0], "resend": True,
                      "era": self.meta["era"] + 1}
        if self.batch:
            self.batch.pop("ticket", None)
        for entry in self.outbox:
            if "judged" in entry:
                entry["judged"] = 0  # it is resent, and in the snapshot that follows
        for kept in self.kept.values():
            kept["until"] = None
        self.sent = []
        self.drop_pages()

    def resend(self) -> None:
        """Resends the accepted changes in the order of the log, in several requests (M-EPO-2)."""
        runs: list[list[dict]] = []
        for kept in sorted(self.kept.values(), key=lambda k: k["log"]):
            replica, counter = kept["change"]["dot"]
            last = runs[-1] if runs else []
            if last and len(last) < BATCH_CHANGES and last[-1]["dot"] == [replica, counter - 1]:
                last.append(kept["change"])
            else:
                runs.append([kept["change"]])
        request: list[dict] = []
        size = 0
        for run in map(collapse, runs):
            length = len(bytes_of("run", run))
            if request and (len(request) == RESEND_RUNS or size + length > RESEND_BYTES):
                self.post_resend(request)
                request, size = [], 0
            request.append(run)
            size += length
        if request:
            self.post_resend(request)
        with self.transaction("meta"):
            self.meta["resend"] = False

    def post_resend(self, runs: list[dict]) -> None:
        self.post({"replica": self.meta["replica"], "cursor": self.meta["cursor"], "resend": runs})

    # Section 7: problems

    def deal_with(self, problem: Problem) -> bool:
        """Does what the problem tells; false when it is to be tried again at another time."""
        self.drop_pages()
        if problem.code == "replica_forked":
            with self.transaction():
                self.fork()
        elif problem.code == "epoch_changed":
            with self.transaction():
                self.new_epoch(problem.document["epoch"])
        elif problem.code == "nothing_restored":
            with self.transaction("meta"):
                self.meta["resend"] = False
        elif problem.code == "clock_ahead" and self.batch:
            with self.transaction():
                self.stamp_anew(problem.document["server_time"])
        elif problem.document["status"] in (408, 429) or problem.document["status"] >= 500:
            wait = float(problem.retry_after or 1)
            if wait > 5:
                return False
            time.sleep(wait + random.random() / 4)
        else:
            raise problem
        return True

    def stamp_anew(self, server_time: list[int]) -> None:
        """M-PUSH-6: the batch with new stamps and the same ticket."""
        self.learn(server_time)
        changes = self.unjudged()[:len(self.batch["changes"])]
        self.stamp(changes, min(self.batch["floor"], server_time), server_time[0])
        self.batch |= run_of(changes)
        self.meta["stamp"] = changes[-1]["time"]


def new_id() -> str:
    """64 random bits (section 2.1)."""
    return os.urandom(8).hex()


def after(stamp: list[int]) -> list[int]:
    """The next stamp: its count raised by one (section 12, Stamps; M-TIME-1)."""
    return [stamp[0], stamp[1] + 1] if stamp[1] < 2**16 - 1 else [stamp[0] + 1, 0]


def sendable(entry: dict) -> dict:
    """The change of an entry of the outbox, without what is the device's own."""
    return {name: entry[name] for name in ("dot", "nonce", "time", "writes")}


def run_of(entries: list[dict]) -> dict:
    return collapse([sendable(entry) for entry in entries])


def problem_of(body: bytes) -> dict | None:
    """A problem document (section 7), or None when it is none of Tote's."""
    try:
        document = json.loads(body)
        code = document["code"]
        return document if document["type"] == f"urn:tote:error:{code}" else None
    except (ValueError, KeyError, TypeError):
        return None


# --- conformance.md: the verbs -------------------------------------------------------------------


def do_decode(ask: dict) -> dict:
    try:
        data = bytes.fromhex(ask["bytes"])
        return {"json": decode(ask["message"], ask["encoding"], data)}
    except Refused as refusal:
        return {"refused": str(refusal)}


def do_fold(ask: dict) -> dict:
    documents, key = Documents.of(ask["snapshot"]), tuple(ask["key"])
    return {"folds": {"register": documents.register(key), "counter": documents.counter(key),
                      "flag": documents.flag(key)}}


def do_apply(ask: dict) -> dict:
    # A snapshot stands for everything up to its position: nothing of what was there is kept (5.4).
    state = ask.get("snapshot") or ask["start"]
    documents = Documents.of(state)
    nonces = set()
    for run in ask.get("runs") or []:
        for change in expand(run):
            documents.apply(change)
            nonces.add(change["nonce"])
    pending = expand(ask["pending"]) if ask.get("pending") else []
    view = view_of(documents, [change for change in pending if change["nonce"] not in nonces])
    return {"end": view.snapshot(state["position"])}


def do_edit(ask: dict) -> dict:
    pending = expand(ask["pending"]) if ask.get("pending") else []
    return {"writes": writes_of(Documents.of(ask["start"]), pending, ask["edit"])}


VECTOR_VERBS: dict[str, Callable[[dict], dict]] = {
    "decode": do_decode,
    "encode": lambda ask: {"bytes": bytes_of(ask["message"], ask["json"]).hex()},
    "digest": lambda ask: {"sha256": hashlib.sha256(batch_bytes(ask["run"])).hexdigest()},
    "fold": do_fold,
    "apply": do_apply,
    "edit": do_edit,
    "name": lambda ask: {"item": line_name(ask["sku"], ask["options"])},
}


class Client:
    """Section 3 of conformance.md: one device, opened once in a process."""

    device: Device

    def answer(self, ask: dict) -> dict:
        verb = ask["do"]
        if verb == "hello":
            return {"name": "client.py", "verbs": list(VECTOR_VERBS)}
        if verb in VECTOR_VERBS:
            return VECTOR_VERBS[verb](ask)
        if verb == "open":
            self.device = Device(ask["directory"], ask["url"], ask["token"], ask["space"],
                                 ask.get("clock_offset_ms", 0))
            with self.device.transaction():
                return {}
        if verb == "change":
            self.device.change(ask["edit"])
            return {}
        if verb == "sync":
            return {"state": self.device.sync()}
        if verb == "show":
            return self.device.show(ask["collection"])
        return {"error": f"no such verb: {verb}"}


def main() -> None:
    client = Client()
    for line in sys.stdin.buffer:
        try:
            answer = client.answer(json.loads(line))
        except Exception as error:  # the driver is told, and goes on
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
