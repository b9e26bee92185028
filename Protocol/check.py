#!/usr/bin/env python3
"""Reads the vectors and checks each against an implementation of its own: the protocol, executable.

Usage: python3 check.py. Prints `N passed, M failed`; exits with 1 when something failed.
Sections in comments are those of protocol.md, from 13 on of orders.md, 17 of webhooks.md, from 18
on of points.md, 24 of handoffs.md.
Needs nothing but Python 3.9.
"""
import base64
import calendar
import datetime
import functools
import hashlib
import hmac
import json
import math
import re
import sys
from fractions import Fraction
from pathlib import Path

HERE = Path(__file__).resolve().parent
INTEGER_MAX = 2**53 - 1
NAMES = """nonce time writes intent same_as rejected key payload replaces code details position
    replica counter keys changes digest cursor ticket formerly wait resend page whole fates events
    snapshot covered more server_time documents rejections dot next replicas""".split()
NUMBERS = {name: number for number, name in enumerate(NAMES)}  # §3.1


class Refused(Exception):
    """A message that must be refused: why, and the byte at or behind what is wrong."""

    def __init__(self, reason, offset):
        super().__init__(reason, offset)
        self.reason, self.offset = reason, offset


class Item:
    """A piece of a message: its kind, its value, and where it lies."""

    def __init__(self, kind, value, start, end):
        self.kind, self.value, self.start, self.end = kind, value, start, end


# ---------------------------------------------------------------- §3.1 CBOR: bytes → items


class CBOR:
    is_cbor = True

    def __init__(self, data):
        self.data, self.at, self.depth = data, 0, 0

    def message(self):
        item = self.item()
        if self.at < len(self.data):
            raise Refused("trailing_bytes", self.at)
        return item

    def head(self):
        """The major type and the argument, in the only spelling that is allowed: the shortest."""
        start = self.at
        if start >= len(self.data):
            raise Refused("truncated", len(self.data))
        first = self.data[start]
        if first in (0xF9, 0xFA, 0xFB):
            raise Refused("float", start)
        if 0xC0 <= first <= 0xDF:
            raise Refused("unsupported_item", start)
        if first >= 0xE0:
            if first not in (0xF4, 0xF5, 0xF6):
                raise Refused("wrong_type", start)
            self.at += 1
            return 7, first
        info = first & 31
        if info > 27:
            raise Refused("not_canonical", start)
        size = 0 if info < 24 else 1 << (info - 24)
        if start + 1 + size > len(self.data):
            raise Refused("truncated", len(self.data))
        value = info if size == 0 else int.from_bytes(self.data[start + 1:start + 1 + size], "big")
        least = {0: 0, 1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[size]
        if value < least:
            raise Refused("not_canonical", start)
        self.at += 1 + size
        return first >> 5, value

    def item(self):
        start = self.at
        major, value = self.head()
        left = len(self.data) - self.at
        if major == 7:
            kind = "null" if value == 0xF6 else "bool"
            return Item(kind, None if kind == "null" else value == 0xF5, start, self.at)
        if major in (0, 1):
            number = value if major == 0 else -1 - value
            if abs(number) > INTEGER_MAX:
                raise Refused("integer_range", start)
            return Item("int", number, start, self.at)
        if major in (2, 3):
            if value > left:
                raise Refused("truncated", start if major == 3 else len(self.data))
            raw = self.data[self.at:self.at + value]
            self.at += value
            if major == 2:
                return Item("bytes", raw, start, self.at)
            try:
                return Item("text", raw.decode("utf-8"), start, self.at)
            except UnicodeDecodeError:
                raise Refused("invalid_utf8", start) from None
        if value > left:
            raise Refused("truncated", start)
        if self.depth == 16:
            raise Refused("too_deep", start)
        self.depth += 1
        content = [self.item() for _ in range(value)] if major == 4 else self.pairs(value)
        self.depth -= 1
        return Item("array" if major == 4 else "map", content, start, self.at)

    def pairs(self, count):
        pairs, last = [], b""
        for _ in range(count):
            key = self.item()
            raw = self.data[key.start:key.end]
            if raw == last:
                raise Refused("duplicate_key", key.start)
            if raw < last:
                raise Refused("key_order", key.start)
            last, after = raw, self.at
            pairs.append((key, self.item(), after))
        return pairs


# ---------------------------------------------------------------- §3.1 JSON: bytes → items


class JSON:
    is_cbor = False
    ESCAPES = {0x22: '"', 0x5C: "\\", 0x2F: "/", 0x62: "\b", 0x66: "\f", 0x6E: "\n", 0x72: "\r",
               0x74: "\t"}

    def __init__(self, data):
        self.data, self.at, self.depth = data, 0, 0

    def message(self):
        item = self.item()
        self.space()
        if self.at < len(self.data):
            raise Refused("trailing_bytes", self.at)
        return item

    def space(self):
        while self.at < len(self.data) and self.data[self.at] in b" \t\n\r":
            self.at += 1

    def next(self):
        self.space()
        if self.at >= len(self.data):
            raise Refused("truncated", len(self.data))
        return self.data[self.at]

    def expect(self, byte):
        found = self.next()
        if found != byte:
            raise Refused("wrong_type" if found in b'{["-0123456789tfn' else "syntax", self.at)
        self.at += 1

    def item(self):
        first = self.next()
        start = self.at
        if first == 0x22:
            return Item("text", self.text(), start, self.at)
        if first in b"-0123456789":
            return Item("int", self.number(), start, self.at)
        for word, kind, value in ((b"true", "bool", True), (b"false", "bool", False),
                                  (b"null", "null", None)):
            if first == word[0]:
                for byte in word:
                    if self.at >= len(self.data):
                        raise Refused("truncated", self.at)
                    if self.data[self.at] != byte:
                        raise Refused("syntax", self.at)
                    self.at += 1
                return Item(kind, value, start, self.at)
        if first not in b"{[":
            raise Refused("syntax", start)
        self.at += 1
        if self.depth == 16:
            raise Refused("too_deep", self.at)
        self.depth += 1
        content = self.pairs() if first == 0x7B else self.elements()
        self.depth -= 1
        return Item("map" if first == 0x7B else "array", content, start, self.at)

    def more(self, close, is_first):
        byte = self.next()
        if byte == close:
            self.at += 1
            return False
        if not is_first:
            if byte != 0x2C:
                raise Refused("syntax", self.at)
            self.at += 1
            if self.next() == close:
                raise Refused("syntax", self.at)
        return True

    def elements(self):
        items = []
        while self.more(0x5D, not items):
            items.append(self.item())
        return items

    def pairs(self):
        pairs, names = [], set()
        while self.more(0x7D, not pairs):
            self.next()
            start = self.at
            name = self.text()
            if name in names:
                raise Refused("duplicate_key", start)
            names.add(name)
            key = Item("text", name, start, self.at)
            self.expect(0x3A)
            pairs.append((key, None, self.at))
            pairs[-1] = (key, self.item(), pairs[-1][2])
        return pairs

    def number(self):
        start = self.at
        match = re.compile(rb"-?[0-9]*").match(self.data, start)
        digits = match.group().lstrip(b"-")
        self.at = match.end()
        if digits[:1] == b"0" and len(digits) > 1:
            raise Refused("syntax", start)
        if int(digits or b"0") > INTEGER_MAX:
            raise Refused("integer_range", start)
        if self.data[self.at:self.at + 1] in (b".", b"e", b"E"):
            raise Refused("float" if digits else "syntax", start)
        if not digits:
            raise Refused("wrong_type", start)
        if match.group() == b"-0":
            raise Refused("syntax", start)
        return int(match.group())

    def text(self):
        self.expect(0x22)
        start, raw = self.at, b""
        while True:
            if self.at >= len(self.data):
                raise Refused("truncated", len(self.data))
            byte = self.data[self.at]
            if byte == 0x22:
                self.at += 1
                try:
                    return raw.decode("utf-8")
                except UnicodeDecodeError:
                    raise Refused("invalid_utf8", start) from None
            if byte < 0x20:
                raise Refused("syntax", self.at)
            if byte == 0x5C:
                raw += self.escape().encode("utf-8")
            else:
                raw += bytes([byte])
                self.at += 1

    def escape(self):
        start = self.at
        if start + 1 >= len(self.data):
            raise Refused("truncated", start)
        kind = self.data[start + 1]
        self.at += 2
        if kind in self.ESCAPES:
            return self.ESCAPES[kind]
        if kind != 0x75:
            raise Refused("invalid_escape", start)
        code = self.four(start)
        if 0xD800 <= code < 0xDC00:
            if self.data[self.at:self.at + 2] != b"\\u":
                raise Refused("invalid_escape", start)
            self.at += 2
            low = self.four(start)
            if not 0xDC00 <= low < 0xE000:
                raise Refused("invalid_escape", start)
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
        if 0xDC00 <= code < 0xE000:
            raise Refused("invalid_escape", start)
        return chr(code)

    def four(self, start):
        raw = self.data[self.at:self.at + 4]
        if len(raw) < 4:
            raise Refused("truncated", self.at)
        if not re.fullmatch(rb"[0-9a-fA-F]{4}", raw):
            raise Refused("invalid_escape", start)
        self.at += 4
        return int(raw, 16)


# ---------------------------------------------------------------- writing


def head(major, value):
    for size, info in ((0, value), (1, 24), (2, 25), (4, 26), (8, 27)):
        if value < (24 if size == 0 else 1 << (8 * size)):
            return bytes([major << 5 | info]) + (value.to_bytes(size, "big") if size else b"")
    raise ValueError(value)


def text_bytes(text):
    raw = text.encode("utf-8")
    return head(3, len(raw)) + raw


def canonical(names):
    """The order of text keys: shorter first, then bytewise."""
    return sorted(names, key=lambda name: (len(name.encode()), name.encode()))


def json_text(value):
    """Compact JSON; members stand as they come in `value`."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        escaped = re.sub(r'["\\]', r"\\\g<0>", value)
        return '"' + re.sub(r"[\x00-\x1f]", lambda m: f"\\u{ord(m.group()):04x}", escaped) + '"'
    if isinstance(value, list):
        return "[" + ",".join(json_text(element) for element in value) + "]"
    return "{" + ",".join(f"{json_text(k)}:{json_text(v)}" for k, v in value.items()) + "}"


# ---------------------------------------------------------------- the shapes of messages (tote.cddl)
# A shape reads an item into plain Python values (the JSON form), writes these as CBOR, and puts
# the members of maps in order. `r` is the reader; it also holds the key table of the run being read.


class Shape:
    def order(self, value):
        return value

    def expect(self, item, kind):
        if item.kind != kind:
            raise Refused("wrong_type", item.start)
        return item.value


class Uint(Shape):
    def __init__(self, most=INTEGER_MAX):
        self.most = most

    def read(self, item, r):
        value = self.expect(item, "int")
        if value < 0:
            raise Refused("wrong_type" if r.is_cbor else "out_of_range", item.start)
        if value > self.most:
            raise Refused("out_of_range", item.start)
        return value

    def cbor(self, value):
        return head(0, value)


class Int(Shape):
    def read(self, item, r):
        return self.expect(item, "int")

    def cbor(self, value):
        return head(0, value) if value >= 0 else head(1, -1 - value)


class Id(Shape):  # §3.2
    def read(self, item, r):
        value = self.expect(item, "bytes" if r.is_cbor else "text")
        if r.is_cbor:
            value = value.hex()
        if not re.fullmatch(r"[0-9a-f]{16}", value):
            raise Refused("wrong_type", item.start)
        return value

    def cbor(self, value):
        return b"\x48" + bytes.fromhex(value)


class Text(Shape):
    def read(self, item, r):
        return self.expect(item, "text")

    def cbor(self, value):
        return text_bytes(value)


class Bool(Shape):
    def read(self, item, r):
        return self.expect(item, "bool")

    def cbor(self, value):
        return b"\xf5" if value else b"\xf4"


class Value(Shape):  # §3.6
    def read(self, item, r, depth=4):
        if item.kind == "bytes":
            raise Refused("wrong_type", item.start)
        if item.kind not in ("array", "map"):
            return item.value
        if depth == 0:
            raise Refused("too_deep", item.start)
        if item.kind == "array":
            return [self.read(element, r, depth - 1) for element in item.value]
        value = {}
        for key, content, _ in item.value:
            value[self.expect(key, "text")] = self.read(content, r, depth - 1)
        return self.order(value)

    def cbor(self, value):
        if value is None:
            return b"\xf6"
        if isinstance(value, bool):
            return Bool().cbor(value)
        if isinstance(value, int):
            return Int().cbor(value)
        if isinstance(value, str):
            return text_bytes(value)
        if isinstance(value, list):
            return head(4, len(value)) + b"".join(map(self.cbor, value))
        return head(5, len(value)) + b"".join(
            text_bytes(name) + self.cbor(value[name]) for name in canonical(value))

    def order(self, value):
        if isinstance(value, list):
            return [self.order(element) for element in value]
        if isinstance(value, dict):
            return {name: self.order(value[name]) for name in canonical(value)}
        return value


class List(Shape):
    def __init__(self, shape, most=None):
        self.shape, self.most = shape, most

    def read(self, item, r):
        values = []
        for element in self.expect(item, "array"):
            if self.most is not None and len(values) == self.most:
                raise Refused("too_long", element.start)
            values.append(self.shape.read(element, r))
        return values

    def cbor(self, value):
        return head(4, len(value)) + b"".join(map(self.shape.cbor, value))

    def order(self, value):
        return [self.shape.order(element) for element in value]


class Some(List):
    """A list that is absent instead of empty; an empty one is a second spelling."""

    def __init__(self, shape, reason="not_canonical"):
        super().__init__(shape)
        self.reason = reason

    def read(self, item, r):
        values = super().read(item, r)
        if not values:
            raise Refused(self.reason, item.end)
        return values


class Tuple(Shape):
    def __init__(self, *shapes):
        self.shapes = shapes

    def read(self, item, r):
        elements = self.expect(item, "array")
        values = []
        for index, shape in enumerate(self.shapes):
            if index == len(elements):
                raise Refused("missing_member", item.end)
            values.append(shape.read(elements[index], r))
        if len(elements) > len(self.shapes):
            raise Refused("too_long", elements[len(self.shapes)].start)
        return values

    def cbor(self, value):
        return head(4, len(value)) + b"".join(s.cbor(v) for s, v in zip(self.shapes, value))

    def order(self, value):
        return [shape.order(element) for shape, element in zip(self.shapes, value)]


class Dot(Tuple):  # §3.3
    def __init__(self):
        super().__init__(Id(), Uint())

    def read(self, item, r):
        dot = super().read(item, r)
        if dot[1] == 0:
            raise Refused("out_of_range", item.end)
        return dot


class Payload(Tuple):  # §3.7
    SHAPES = {0: Value(), 1: Int(), 2: Int(), 3: Bool()}

    def __init__(self, *_):
        super().__init__(Uint(), Value())

    def read(self, item, r):
        elements = self.expect(item, "array")
        if elements and elements[0].kind == "int":
            self = Payload()
            self.shapes = (Uint(), self.SHAPES.get(elements[0].value, Value()))
        payload = Tuple.read(self, item, r)
        if payload == [3, False]:
            raise Refused("out_of_range", elements[1].end)
        return payload


class Names(Shape):
    """A map whose names are data."""

    def __init__(self, shape):
        self.shape = shape

    def read(self, item, r):
        return {self.expect(key, "text"): self.shape.read(value, r)
                for key, value, _ in self.expect(item, "map")}

    def cbor(self, value):
        return head(5, len(value)) + b"".join(
            text_bytes(name) + self.shape.cbor(value[name]) for name in canonical(value))

    def order(self, value):
        return {name: self.shape.order(value[name]) for name in canonical(value)}


class Members(Shape):
    """A map of the protocol's members. `unknown`: ignore, keep or refuse what it does not know."""

    def __init__(self, shapes, required=(), defaults=None, unknown="ignore"):
        self.shapes, self.required, self.unknown = shapes, required, unknown
        self.defaults = defaults or {}

    def read(self, item, r):
        found = {}
        for key, value, after in self.in_reading_order(item):
            name = self.name(key, r)
            if name in self.shapes:
                found[name] = self.shapes[name].read(value, r)
            elif self.unknown == "refuse" or (self.unknown == "keep" and name in NUMBERS):
                raise Refused("unknown_member", after)
            elif self.unknown == "keep":
                found[name] = Value().read(value, r)
        for name in self.required:
            if name not in found:
                raise Refused("missing_member", item.end)
        found = {n: v for n, v in found.items() if n not in self.defaults or v != self.defaults[n]}
        return self.order(self.checked(found, item, r))

    def in_reading_order(self, item):
        return self.expect(item, "map")

    def checked(self, found, item, r):
        return found

    @staticmethod
    def name(key, r):
        if r.is_cbor and key.kind == "int":
            if key.value < 0:
                raise Refused("wrong_type", key.start)
            if key.value >= len(NAMES):
                raise Refused("unknown_member", key.start)
            return NAMES[key.value]
        if key.kind != "text":
            raise Refused("wrong_type", key.start)
        if r.is_cbor and key.value in NUMBERS:
            raise Refused("not_canonical", key.start)
        return key.value

    def order(self, found):
        known = sorted((n for n in found if n in NUMBERS), key=NUMBERS.get)
        others = canonical(n for n in found if n not in NUMBERS)
        return {n: self.shapes.get(n, Value()).order(found[n]) for n in known + others}

    def cbor(self, found):
        return head(5, len(found)) + b"".join(
            (head(0, NUMBERS[n]) if n in NUMBERS else text_bytes(n))
            + self.shapes.get(n, Value()).cbor(v) for n, v in self.order(found).items())


class KeyIndex(Uint):
    """A key's place in the table: one that was named already, or the next."""

    def read(self, item, r):
        index = super().read(item, r)
        if index >= len(r.keys) or index > r.used:
            raise Refused("out_of_range", item.start)
        r.used = max(r.used, index + 1)
        return index


class KeyTable(List):
    def read(self, item, r):
        keys = super().read(item, r)
        if not keys or len(set(map(tuple, keys))) < len(keys):
            raise Refused("duplicate_key", item.end)
        r.keys = keys
        return keys


class RunMembers(Members):
    """§3.9: the members that a request and a run share."""

    def in_reading_order(self, item):
        # In JSON members come in any order; the key table is needed before the changes.
        return sorted(self.expect(item, "map"), key=lambda pair: pair[0].value == "changes")

    def read(self, item, r):
        r.keys, r.used, outer = [], 0, (getattr(r, "keys", []), getattr(r, "used", 0))
        found = super().read(item, r)
        r.keys, r.used = outer
        return found

    def checked(self, found, item, r):
        if r.used < len(r.keys):
            raise Refused("not_canonical", item.end)
        if found.get("changes"):
            if not found.get("counter") or "replica" not in found:
                raise Refused("missing_member", item.end)
            if found["counter"] + len(found["changes"]) > INTEGER_MAX:
                raise Refused("integer_range", item.end)
        elif "changes" in self.required:
            raise Refused("missing_member", item.end)
        else:
            found.pop("counter", None)
        return found


class Fate(Members):
    def read(self, item, r):
        if item.kind != "map":
            return Uint().read(item, r)
        fate = super().read(item, r)
        if not fate.get("position"):
            raise Refused("missing_member", item.end)
        return fate if len(fate) > 1 else fate["position"]

    def cbor(self, fate):
        return head(0, fate) if isinstance(fate, int) else super().cbor(fate)

    def order(self, fate):
        return fate if isinstance(fate, int) else super().order(fate)


class Cell(Tuple):  # §4.5
    def read(self, item, r):
        elements = self.expect(item, "array")
        timed = len(elements) > 2 and elements[2].kind == "array" and elements[2].value and (
            elements[2].value[0].value not in (2, 3))
        return Tuple(Uint(), Uint(), Payload(), *([TIME] if timed else [])).read(item, r)


class ReplyShape(Members):
    def checked(self, found, item, r):
        return {"covered": 0, **found}  # the one default that is written out


class SnapshotShape(Members):
    def checked(self, found, item, r):
        indices = [cell[0] for items in found.get("documents", {}).values()
                   for fields in items.values() for cells in fields.values() for cell in cells]
        if max(indices, default=-1) >= len(found.get("replicas", [])):
            raise Refused("out_of_range", item.end)
        return found


TIME = Tuple(Uint(2**48 - 1), Uint(2**16 - 1))  # §3.4
KEY = Tuple(Text(), Text(), Text())  # §3.5
REJECTION = Members({"code": Text(), "details": Value()}, ["code"], {"details": {}})
WRITE = Members({"key": KeyIndex(), "payload": Payload(), "replaces": Some(Dot())}, ["key"],
                unknown="refuse")
CHANGE = Members(
    {"nonce": Id(), "time": TIME, "writes": Some(WRITE), "intent": Value(), "same_as": Dot(),
     "rejected": REJECTION}, ["nonce"], {"time": [0, 0]}, unknown="keep")
RUN_SHAPES = {"replica": Id(), "counter": Uint(), "keys": KeyTable(KEY),
              "changes": List(CHANGE, 100)}
RUN = RunMembers({"position": Uint(), "digest": Id(), **RUN_SHAPES}, ["replica", "changes"],
                 {"position": 0})
REQUEST = RunMembers(
    {**RUN_SHAPES, "cursor": Tuple(Id(), Uint()), "ticket": Id(), "formerly": List(Id(), 16),
     "wait": Uint(25), "resend": List(RUN, 100), "page": Tuple(Uint(), Uint()), "whole": Bool()},
    ["replica"], {"formerly": [], "wait": 0, "resend": [], "whole": False, "changes": []})
LOGGED = Members({"nonce": Id(), "time": TIME, "code": Text(), "details": Value(), "dot": Dot()},
                 ["nonce", "time", "code", "dot"], {"details": {}})
SNAPSHOT = SnapshotShape(
    {"position": Uint(), "documents": Names(Names(Names(List(Cell(Uint(), Uint(), Payload(),
                                                                  TIME))))),
     "rejections": List(LOGGED), "next": Uint(), "replicas": List(Id())}, ["position"],
    {"documents": {}, "rejections": [], "replicas": []})
REPLY = ReplyShape(
    {"cursor": Tuple(Id(), Uint()), "ticket": Id(),
     "fates": List(Fate({"same_as": Dot(), "rejected": REJECTION, "position": Uint()})),
     "events": List(RUN), "snapshot": SNAPSHOT, "covered": Uint(), "more": Bool(),
     "server_time": TIME}, ["cursor", "server_time"], {"fates": [], "events": [], "more": False})
SHAPES = {"request": REQUEST, "reply": REPLY, "run": RUN, "snapshot": SNAPSHOT, "value": Value()}


def decode(shape, data, reader):
    r = reader(data)
    return SHAPES[shape].read(r.message(), r)


def digest(run):
    """§4.4: what a run is acknowledged by, of the members replica, counter, keys and changes."""
    batch = {name: run[name] for name in RUN_SHAPES if name in run}
    return hashlib.sha256(RUN.cbor(batch)).hexdigest()[:16]


# ---------------------------------------------------------------- §2.2 documents and how they change
# Documents: {key: {dot: (payload, time)}}, keys and dots as tuples. Ids in hex order as numbers do.


def documents_of(snapshot):
    documents = {}
    for collection, items in snapshot.get("documents", {}).items():
        for item, fields in items.items():
            for field, cells in fields.items():
                for replica, counter, payload, *time in cells:
                    at = documents.setdefault((collection, item, field), {})
                    at[(snapshot["replicas"][replica], counter)] = (
                        payload, tuple(time[0]) if time else (0, 0))
    return documents


def snapshot_of(documents, position=0):
    replicas = sorted({dot[0] for cells in documents.values() for dot in cells})
    tree = {}
    for (collection, item, field), cells in documents.items():
        tree.setdefault(collection, {}).setdefault(item, {})[field] = [
            [replicas.index(dot[0]), dot[1], payload] + ([list(time)] if is_timed(payload) else [])
            for dot, (payload, time) in sorted(cells.items())]
    snapshot = {"position": position, "documents": tree, "replicas": replicas}
    return SNAPSHOT.order({n: v for n, v in snapshot.items() if n == "position" or v})


def is_timed(payload):
    return payload[0] not in (2, 3)


def writes_of(run):
    """The changes of a run as (dot, change, writes with their keys, payloads and replaced dots)."""
    for index, change in enumerate(run["changes"]):
        writes = [(tuple(run["keys"][write["key"]]), write.get("payload"),
                   [tuple(dot) for dot in write.get("replaces", [])])
                  for write in change.get("writes", [])]
        yield (run["replica"], run["counter"] + index), change, writes


def apply(documents, dot, time, writes):
    for key, payload, replaces in writes:
        cells = documents.setdefault(key, {})
        for seen in replaces:
            cells.pop(seen, None)
        if payload is not None:
            cells[dot] = (payload, tuple(time) if is_timed(payload) else (0, 0))
        if not cells:
            del documents[key]


def apply_run(documents, run):
    for dot, change, writes in writes_of(run):
        if "rejected" not in change and "same_as" not in change:
            apply(documents, dot, change.get("time", [0, 0]), writes)


# ---------------------------------------------------------------- §2.4 folds


def winners(cells, kind):
    """Values of one kind, the greatest by (time, replica, counter) first."""
    found = [(time, dot, payload[1]) for dot, (payload, time) in cells.items()
             if payload[0] == kind]
    return [value for _, _, value in sorted(found, key=lambda f: f[:2], reverse=True)]


def fold_register(cells):
    values = winners(cells, 0)
    return {"value": values[0], "conflict": values[1:]} if values else None


def fold_counter(cells):
    deltas = sum(payload[1] for payload, _ in cells.values() if payload[0] == 2)
    return (winners(cells, 1) or [0])[0] + deltas


def fold_flag(cells):
    return any(payload[0] == 3 for payload, _ in cells.values())


# ---------------------------------------------------------------- §2.6 editing


class View:
    """Confirmed state with the outbox on top. `pending`: (dot, time, writes) and, for a change with
    an order (§14.1), the cells that it takes; those that show."""

    def __init__(self, confirmed, pending=()):
        self.confirmed = confirmed
        self.merged = {key: dict(cells) for key, cells in confirmed.items()}
        self.own, self.ordered = {}, {}
        for change in pending:
            self.append(*change)

    def append(self, dot, time, writes, taken=()):
        apply(self.merged, dot, time, writes)
        for key, cell in taken:
            self.merged.get(key, {}).pop(cell, None)
            self.ordered.setdefault(key, set()).add(cell)
        for key, payload, _ in writes:
            if payload is not None:
                self.own.setdefault(key, []).append(dot)

    def seen(self, key):
        dots = sorted(self.confirmed.get(key, {})) + self.own.get(key, [])
        return [dot for dot in dots if dot not in self.ordered.get(key, ())]

    def erasing(self, collection, item, but=None):
        keys = sorted(k for k in {**self.confirmed, **self.own} if k[:2] == (collection, item))
        return [(key, None, self.seen(key)) for key in keys if key[2] != but and self.seen(key)]

    def adding(self, amount, collection, item):
        key = (collection, item, "quantity")
        value = fold_counter(self.merged.get(key, {}))
        if value > 0:
            amount = max(amount, -value)
            return [(key, [2, amount], [])] if amount else []
        if amount <= 0:
            return []
        return self.erasing(collection, item, "quantity") + [(key, [2, amount], self.seen(key))]

    def setting(self, value, collection, item):
        key = (collection, item, "quantity")
        if value <= 0:
            return self.erasing(collection, item)
        if key in self.ordered:
            shown = max(0, fold_counter(self.merged.get(key, {})))
            return self.adding(value - shown, collection, item)
        base = [(key, [1, value], self.seen(key))]
        if fold_counter(self.merged.get(key, {})) > 0:
            return base
        return self.erasing(collection, item, "quantity") + base

    def registering(self, value, key):
        return [(key, [0, value], self.seen(key))]

    def flagging(self, collection, item):
        key = (collection, item, "member")
        flag = [(key, [3, True], self.seen(key))]
        if fold_flag(self.merged.get(key, {})):
            return flag
        return self.erasing(collection, item, "member") + flag

    def edit(self, verb, collection, item, *rest):
        if verb == "add":
            return self.adding(rest[0], collection, item)
        if verb == "set":
            return self.setting(rest[0], collection, item)
        if verb == "remove":
            return self.erasing(collection, item)
        if verb == "flag":
            return self.flagging(collection, item)
        return self.registering(rest[1], (collection, item, rest[0]))  # put field value


def lines(documents, collection):
    """A cart as it shows: lines whose quantity is above 0, with their notes."""
    shown = {}
    for (place, item, field), cells in documents.items():
        if place == collection and field == "quantity" and item and fold_counter(cells) > 0:
            shown[item] = {"quantity": fold_counter(cells)}
            note = fold_register(documents.get((place, item, "note"), {}))
            if note and isinstance(note["value"], str):
                shown[item]["note"] = note["value"]
    return shown


# ---------------------------------------------------------------- §2.7 names and places


def escaped(text):
    return text.replace("%", "%25").replace("|", "%7C").replace("=", "%3D")


def unescaped(text):
    if re.search(r"%(?!7C|3D|25)", text):
        raise ValueError(text)
    return re.sub(r"%(7C|3D|25)", lambda m: chr(int(m.group(1), 16)), text)


def line_name(sku, options):
    parts = sorted((f"{escaped(g)}={escaped(v)}" for g, v in options.items()),
                   key=lambda part: part.encode())
    return "|".join([escaped(sku)] + parts)


def parse_line_name(item):
    """The SKU and the options; what is not well-formed is a SKU as it stands."""
    try:
        sku, *parts = item.split("|")
        options = {}
        for part in parts:
            group, value = map(unescaped, part.split("="))
            if group in options:
                raise ValueError(item)
            options[group] = value
        return {"sku": unescaped(sku), "options": options}
    except ValueError:
        return {"sku": item, "options": {}}


DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def between(low, high, tail):
    """A place strictly between two; None is an open end. `tail` keeps two devices apart."""
    left, right = low or "", high
    place = ""
    while True:
        index = len(place)
        least = DIGITS.index(left[index]) if index < len(left) else 0
        most = 62 if right is None else DIGITS.index(right[index]) if index < len(right) else 0
        if most - least > 1:
            place += DIGITS[least + (most - least) // 2]
            break
        place += DIGITS[least]
        if most > least:
            right = None
    return place + DIGITS[tail % 62] + DIGITS[tail // 62 % 62] + DIGITS[1 + tail // 3844 % 61]


def is_place(text):
    return bool(re.fullmatch(r"[0-9A-Za-z]*[1-9A-Za-z]", text))


# ---------------------------------------------------------------- §6.2 what a change must keep


def weight(value):
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, list):
        return 1 + sum(map(weight, value))
    if isinstance(value, dict):
        return 1 + sum(len(n.encode()) + weight(v) for n, v in value.items())
    return 1


def refusal(change, keys):
    """The rejection of a change for its own shape, or None, in the order of §6.2."""

    def limit(code, most, actual):
        return {"code": code, "details": {"actual": actual, "limit": most}}

    writes = change.get("writes", [])
    if "intent" in change:
        code = intent_refusal(change["intent"], bool(writes))
        if code:
            return {"code": code}
    others = {name: value for name, value in change.items() if name not in NUMBERS}
    if len(writes) > 256:
        return limit("too_many_writes", 256, len(writes))
    if len(others) > 16:
        return limit("too_many_members", 16, len(others))
    for name in sorted(others, key=str.encode):
        size = len(name.encode()) + weight(others[name])
        if size > 4096:
            return limit("value_too_large", 4096, size)
    channel = others.get("channel", "none")
    if not isinstance(channel, str) or not re.fullmatch(r"[a-z0-9-]{1,16}", channel):
        return {"code": "channel_malformed"}
    seen = set()
    for write in writes:
        key = tuple(keys[write["key"]])
        at = {"code": None, "details": dict(zip(("collection", "item", "field"), key))}
        for name, most in zip(key, (128, 512, 64)):
            if len(name.encode()) > most:
                return limit("key_too_long", most, len(name.encode()))
        if not key[0] or not key[2]:
            return {**at, "code": "key_empty"}
        if len(write.get("replaces", [])) > 2048:
            return limit("too_many_replaces", 2048, len(write["replaces"]))
        kind, value = write.get("payload", [3, True])
        if kind in (1, 2) and not (0 if kind == 1 else -10**9) <= value <= 10**9 or (
                kind == 2 and value == 0):
            return limit("counter_out_of_range", 10**9, value)
        if kind not in (1, 2, 3) and weight(value) > 4096:
            return limit("value_too_large", 4096, weight(value))
        if key in seen:
            return {**at, "code": "duplicate_write"}
        seen.add(key)
    return None


# ---------------------------------------------------------------- §14.1 intents


class Unfit(Exception):
    pass


def members(value, fields):
    """A map of these members, each with its test; `?` marks one that may be absent."""
    if not isinstance(value, dict) or set(value) - {name.rstrip("?") for name in fields}:
        raise Unfit()
    for name, fits in fields.items():
        if name.rstrip("?") in value:
            fits(value[name.rstrip("?")])
        elif not name.endswith("?"):
            raise Unfit()


def text(most, least=1):
    def fits(value):
        if not isinstance(value, str) or not least <= len(value.encode()) <= most:
            raise Unfit()
    return fits


def integer(least, most):
    def fits(value):
        if type(value) is not int or not least <= value <= most:
            raise Unfit()
    return fits


def pattern(regex):
    def fits(value):
        if not isinstance(value, str) or not re.fullmatch(regex, value, re.S):
            raise Unfit()
    return fits


def several(least, most, fits):
    def all_fit(values):
        if not isinstance(values, list) or not least <= len(values) <= most:
            raise Unfit()
        for value in values:
            fits(value)
    return all_fit


def cell_of(value):
    """`replica.counter.field` as its dot and its field."""
    pattern(r"[0-9a-f]{16}\.[1-9][0-9]{0,15}\..+")(value)
    replica, counter, field = value.split(".", 2)
    integer(1, INTEGER_MAX)(int(counter))
    text(64)(field)
    return (replica, int(counter)), field


AMOUNT = integer(0, 10**12)
ORDER_ID = pattern("[0-9a-f]{32}")


def line_fits(value):
    members(value, {"item": text(512), "quantity": integer(1, 999), "price": AMOUNT,
                    "note?": text(512), "cells?": several(1, 2048, cell_of)})


UNITS = integer(1, 10**9)  # §19.1
ACCOUNT = pattern("points|card:[A-Z]{3}|offer:[A-Za-z0-9._-]{1,64}")
OFFER_ID = pattern("[A-Za-z0-9._-]{1,64}")
TIME_MS = integer(0, 2**48 - 1)


def right_fits(value):
    members(value, {"id": ORDER_ID, "granted": UNITS, "stop_at": integer(0, INTEGER_MAX),
                    "certificate": text(64)})


def tender_fits(value):  # §21.1
    kind = value.get("kind") if isinstance(value, dict) else None
    more = {"reward": text(64), "points": UNITS} if kind == "points" else {}
    if kind == "offer":  # §30.3
        more["offer"] = OFFER_ID
    if kind in ("points", "card", "offer"):
        more["lease?"] = right_fits
    members(value, {"kind": pattern("at_counter|external|points|card|offer"),
                    "amount": UNITS if kind == "card" else integer(1, 10**12),
                    "reference?": text(128), **more})


def certificate_fits(value):  # §22.1
    text(192)(value)
    certificate_parts(value)


def place_fits(value):
    least = 0 if value.get("total") == 0 else 1
    members(value, {
        "kind": text(5), "order": ORDER_ID, "store": text(64), "cart": text(123),
        "lines": several(1, 100, line_fits), "currency": text(3, 3), "total": AMOUNT,
        "catalog": integer(1, INTEGER_MAX), "pickup_at?": integer(0, 2**48 - 1),
        "tenders": several(least, 4, tender_fits), "name?": text(64), "note?": text(512)})
    items = [line["item"] for line in value["lines"]]
    if len(set(items)) < len(items):
        raise Unfit()


def join_fits(value):
    members(value, {
        "kind": text(4), "join": ORDER_ID, "cart": text(123),
        "policy": text(7),
        "lines": several(1, 100, lambda line: members(
            line, {"item": text(512), "quantity": integer(1, 1_000_000), "note?": text(512)}))})
    items = [line["item"] for line in value["lines"]]
    if len(set(items)) < len(items):
        raise Unfit()


INTENTS = {
    "place": place_fits,
    "cancel": lambda value: members(value, {"kind": text(6), "order": ORDER_ID}),
    "check_in": lambda value: members(
        value, {"kind": text(8), "order": ORDER_ID, "spot?": text(64)}),
    "rate": lambda value: members(
        value, {"kind": text(4), "order": ORDER_ID, "rating": integer(1, 5),
                "comment?": text(1000)}),
    "post": lambda value: members(
        value, {"kind": text(4), "order": ORDER_ID, "text": text(1000)}),
    "join": join_fits,
    "lease": lambda value: members(
        value, {"kind": text(5), "lease": ORDER_ID, "account": ACCOUNT, "amount": UNITS,
                "store?": text(64)}),
    "activate": lambda value: members(value, {"kind": text(8), "offer": OFFER_ID}),
    "release": lambda value: members(value, {"kind": text(7), "lease": ORDER_ID}),
    "redeem": lambda value: members(
        value, {"kind": text(6), "redemption": ORDER_ID, "certificate": certificate_fits,
                "amount": UNITS, "reward?": text(64), "at": TIME_MS}),
    "watermark": lambda value: members(value, {"kind": text(9), "until": TIME_MS})}


def intent_refusal(value, has_writes=False):
    """The code that a change's intent is refused with for its own shape, or None."""
    if weight(value) > 65_536:
        return "value_too_large"
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in INTENTS:
        return "unsupported"
    try:
        INTENTS[kind](value)
    except Unfit:
        return "intent_malformed"
    return "intent_malformed" if has_writes else None


def taken(intent):
    """The cart cells that an order stands for: key and dot."""
    if not intent or intent["kind"] != "place":
        return []
    cells = [(line["item"], *cell_of(cell)) for line in intent["lines"]
             for cell in line.get("cells", [])]
    return [(("cart:" + intent["cart"], item, field), dot) for item, dot, field in cells]


# ---------------------------------------------------------------- §14.4 states

STEPS = {  # from: by the customer, the store, a manager beyond that, the system
    "placed": ["cancelled", "confirmed preparing ready declined cancelled", "", ""],
    "confirmed": ["cancelled", "preparing ready cancelled", "", ""],
    "preparing": ["", "ready cancelled", "", ""],
    "ready": ["", "collected preparing cancelled", "", "expired"],
    "expired": ["", "collected cancelled", "", ""],
    "collected": ["", "ready", "", ""],
    "cancelled": ["", "", "placed", ""],
    "declined": ["", "", "placed", ""]}


def steps(state, by):
    customer, store, manager, system = (set(column.split()) for column in STEPS[state])
    return {"customer": customer, "store": store, "manager": store | manager,
            "system": system}[by]


# ---------------------------------------------------------------- checking the vectors


def expand(value, i=0):
    """{"$text": [unit, n]} is a text n times, {"$list": [n, x]} is x n times; within, {"$i": k} is
    the element's number + k, {"$id": k} the same as an id, {"$name": t} the text t and the number."""
    if isinstance(value, list):
        return [expand(element, i) for element in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (name, content), = value.items()
        if name == "$text":
            return content[0] * content[1]
        if name == "$list":
            return [expand(content[1], index) for index in range(content[0])]
        if name == "$i":
            return i + content
        if name == "$id":
            return f"{i + content:016x}"
        if name == "$name":
            return f"{content}{i}"
    return {name: expand(content, i) for name, content in value.items()}


# ---------------------------------------------------------------- §13.2 prices, §13.3 times


AMOUNT_MAX = 10**12
LINE_CODES = ["product_unknown", "sold_out", "not_sold_here", "option_unknown", "options_invalid",
              "quantity_limited"]


class NoQuote(Exception):
    """A cart without a price: what it is refused with."""

    def __init__(self, code, items=None):
        super().__init__(code, items)
        self.value = {"code": code} if items is None else {"code": code, "items": items}


def by_id(things, name, key="id"):
    return next((thing for thing in things if thing[key] == name), None)


def line_price(catalog, store, item):
    """The product of a line and its unit price, or the code of what is wrong with it."""
    line = parse_line_name(item)
    product = by_id(catalog["products"], line["sku"], "sku")
    if product is None:
        return None, "product_unknown"
    if product["sku"] in store["sold_out"]:
        return None, "sold_out"
    price = product.get("prices", {}).get(store["id"], product["price"].get(store["currency"]))
    if price is None:
        return None, "not_sold_here"
    chosen = {}
    for name, value in line["options"].items():
        group = by_id(catalog["groups"], name)
        if name not in product.get("groups", []) or group is None:
            return None, "option_unknown"
        chosen[name] = [by_id(group["choices"], choice) for choice in value.split(",")]
        if None in chosen[name]:
            return None, "option_unknown"
    for name in product.get("groups", []):
        group = by_id(catalog["groups"], name)
        names = [choice["id"] for choice in chosen.get(name, [])]
        if name not in chosen and group["min"] == 0:
            continue
        if not group["min"] <= len(names) <= group["max"] or len(set(names)) < len(names):
            return None, "options_invalid"
    extra = sum(choice.get("price", {}).get(store["currency"], 0)
                for choices in chosen.values() for choice in choices)
    return product, max(0, price + extra)


def rounded(numerator, divisor):
    """Half up, of numbers that are not below 0."""
    return (2 * numerator + divisor) // (2 * divisor)


def quote(catalog, store_id, lines):
    store = by_id(catalog["stores"], store_id)
    if store is None:
        raise NoQuote("store_unknown")
    priced = [(item, quantity, *line_price(catalog, store, item)) for item, quantity in lines]
    priced = [(item, quantity, None, "quantity_limited")
              if product and quantity > product.get("limit", quantity)
              else (item, quantity, product, price) for item, quantity, product, price in priced]
    for code in LINE_CODES:
        items = [item for item, _, product, found in priced if product is None and found == code]
        if items:
            raise NoQuote(code, list(dict.fromkeys(items)))
    bases, amounts = {}, []
    for item, quantity, product, price in priced:
        bases[product["tax"]] = bases.get(product["tax"], 0) + quantity * price
        amounts += [price, quantity * price]
    subtotal, taxes = sum(bases.values()), []
    for category in sorted(bases, key=str.encode):
        rate = store["taxes"][category]
        divisor = 1_000_000 + (rate if store["tax_included"] else 0)
        taxes.append([category, rate, rounded(bases[category] * rate, divisor)])
    total = subtotal + (0 if store["tax_included"] else sum(tax[2] for tax in taxes))
    if max(amounts + [subtotal, total]) > AMOUNT_MAX:
        raise NoQuote("amount_out_of_range")
    return {"currency": store["currency"], "tax_included": store["tax_included"],
            "lines": [[item, quantity, price] for item, quantity, _, price in priced],
            "subtotal": subtotal, "taxes": taxes, "total": total}


def times(catalog, store_id, at):
    store = by_id(catalog["stores"], store_id)
    preparation = store["preparation_minutes"] * 60_000

    def is_open(moment):
        return any(start <= moment < end for start, end in store["open"])

    openings = [start for start, _ in store["open"] if start > at]
    starts = ([at] if is_open(at) else []) + openings
    earliest = next((s + preparation for s in starts if is_open(s + preparation)), None)
    length = store["slot_minutes"] * 60_000
    return {"is_open": is_open(at), "next_opening": min(openings, default=None),
            "earliest_pickup": earliest, "slot": at - at % length}


class Failed(Exception):
    pass


def equal(found, wanted, what):
    if found != wanted:
        raise Failed(f"{what}: found {json.dumps(found)}, expected {json.dumps(wanted)}")


def refused(shape, data, reader):
    try:
        decode(shape, data, reader)
    except Refused as refusal:
        return refusal
    raise Failed(f"accepted: {data!r}")


def check_encoding(v):
    shape = v["message"]
    texts = [("cbor", CBOR, bytes.fromhex)] if "cbor" in v else []
    if "json" in v:
        texts.append(("json", JSON, str.encode))
    if "json_hex" in v:
        texts.append(("json_hex", JSON, bytes.fromhex))
    if "every_prefix" in v:
        for name, reader, convert in texts:
            data = convert(v[name])
            decode(shape, data, reader)
            for end in range(len(data)):
                refused(shape, data[:end], reader)
    elif "reason" in v:
        (name, reader, convert), = texts
        found = refused(shape, convert(v[name]), reader)
        equal([found.reason, found.offset], [v["reason"], v["offset"]], "refusal")
    else:
        want = v.get("means", v)
        for name, reader, convert in texts:
            message = decode(shape, convert(v[name]), reader)
            equal(SHAPES[shape].cbor(message).hex(), want["cbor"], name + " → CBOR")
            equal(json_text(SHAPES[shape].order(message)), want["json"], name + " → JSON")


def check_applying(v):
    documents = documents_of(v["start"])
    if "snapshot" in v:
        documents = documents_of(v["snapshot"])
    for run in v.get("runs", []):
        apply_run(documents, run)
    found = snapshot_of(documents, v["end"].get("position", 0))
    if "pending" in v:
        confirmed = {change["nonce"] for run in v.get("runs", []) for change in run["changes"]}
        view = View(documents, [
            (dot, change.get("time", [0, 0]), writes) for dot, change, writes
            in writes_of(v["pending"]) if change["nonce"] not in confirmed])
        found = snapshot_of(view.merged, v["end"].get("position", 0))
    equal(found, v["end"], "state")
    if "wrong" in v:
        assert found != v["wrong"], "the wrong state is the right one"


def check_folding(v):
    cells = documents_of(v["cells"]).get(tuple(v["key"]), {})
    found = {"register": fold_register(cells), "counter": fold_counter(cells),
             "flag": fold_flag(cells)}
    equal(found, v["folds"], "folds")
    if "wrong" in v:
        assert found != v["wrong"], "the wrong fold is the right one"


def write_form(writes):
    form = []
    for key, payload, replaces in writes:
        write = {"key": list(key)}
        if payload is not None:
            write["payload"] = payload
        if replaces:
            write["replaces"] = [list(dot) for dot in replaces]
        form.append(write)
    return form


def check_editing(v):
    if "edit" in v:
        pending = []
        if "pending" in v:
            pending = [(dot, change.get("time", [0, 0]), writes)
                       for dot, change, writes in writes_of(v["pending"])]
        found = write_form(View(documents_of(v["start"]), pending).edit(*v["edit"]))
        equal(found, v["writes"], "writes")
    else:
        found = play(v, sorted) if "rounds" in v else None
        equal(found, v["lines"], "lines")
        equal(play(v, lambda names: sorted(names, reverse=True)), v["lines"], "lines, reversed")
    if "wrong" in v:
        assert found != v["wrong"], "the wrong result is the right one"


def play(v, order):
    """Rounds of offline edits: each device starts from the same state, then all changes arrive."""
    confirmed, counters, time = documents_of(v["start"]), {}, 1000
    for number, edits in enumerate(v["rounds"]):
        pushed = {}
        for device in sorted(edits):
            view = View(confirmed)
            for step, edit in enumerate(edits[device]):
                writes = view.edit(edit[0], "cart:main", *edit[1:])
                if not writes:
                    continue
                counters[device] = counters.get(device, 0) + 1
                dot = (device.encode().hex().rjust(16, "0"), counters[device])
                # Later letters of the alphabet edit later: their times are greater.
                stamp = (time + number * 100 + ord(device), step)
                view.append(dot, stamp, writes)
                pushed.setdefault(device, []).append((dot, stamp, writes))
        for device in order(pushed):
            for dot, stamp, writes in pushed[device]:
                apply(confirmed, dot, stamp, writes)
    return lines(confirmed, "cart:main")


def check_names(v):
    if "item" in v and "sku" in v:
        equal(line_name(v["sku"], v["options"]), v["item"], "name")
        equal(parse_line_name(v["item"]), {"sku": v["sku"], "options": v["options"]}, "line")
    elif "item" in v:
        equal(parse_line_name(v["item"]), v["reads"], "line")
    elif "place" in v:
        place = between(v["low"], v["high"], v["tail"])
        equal(place, v["place"], "place")
        assert (v["low"] or "") < place and (v["high"] is None or place < v["high"])
        assert is_place(place)
    else:
        equal(is_place(v["text"]), v["is_place"], "is a place")


def check_rules(v):
    run = expand(v["run"])
    data = json_text(RUN.order(run)).encode()
    run = decode("run", data, JSON)
    equal(refusal(run["changes"][0], run.get("keys", [])), v["rejected"], "refusal")


def check_digests(v):
    if "batch" in v:
        raw = RUN.cbor(v["batch"])
        equal([raw.hex(), hashlib.sha256(raw).hexdigest(), digest(v["batch"])],
              [v["cbor"], v["sha256"], v["digest"]], "batch")
        if "sent" in v:
            sent = decode("request", bytes.fromhex(v["sent"]), CBOR)
            equal(digest(sent), v["digest"], "the digest of what was sent")
    else:
        message = bytes.fromhex(v["message"]) * v.get("times", 1)
        found = hashlib.sha256(message).hexdigest()
        equal(found, v["sha256"], "SHA-256") if "sha256" in v else None
        assert found != v.get("wrong")


def check_exchange(v):
    """Transcripts are played against a server; here only the forms of their messages are checked."""

    def bound(value):
        if isinstance(value, str):
            return "00000000000000ff" if value.startswith("$") else value
        if isinstance(value, list):
            return [bound(element) for element in value]
        if isinstance(value, dict):
            return {n: [0, 0] if n == "page" else bound(e) for n, e in value.items()}
        return value

    for step in v["steps"]:
        if "send" in step and "path" not in step:
            data = json_text(REQUEST.order(bound(expand(step["send"])))).encode()
            decode("request", data, JSON)
        for run in step.get("reply", {}).get("events", []):
            if run != "$_" and "$_" not in (run.get("keys"), run["changes"]):
                decode("run", json_text(bound(run)).encode(), JSON)


CATALOGS = {}


def check_pricing(v):
    """`catalog` is one, or the id of the vector that has it."""
    if isinstance(v["catalog"], dict):
        CATALOGS[v["id"]] = v["catalog"]
    catalog = CATALOGS[v["catalog"] if isinstance(v["catalog"], str) else v["id"]]
    if "times" in v:
        return equal(times(catalog, v["store"], v["at"]), v["times"], "times")
    try:
        found = {"quote": quote(catalog, v["store"], v["lines"])}
    except NoQuote as error:
        found = {"refused": error.value}
    wanted = {name: v[name] for name in ("quote", "refused") if name in v}
    equal(found, wanted, "pricing")
    assert found.get("quote") != v.get("wrong", 0), "the wrong quote is the right one"


def accepts(v):
    """What a receiver does (webhooks.md §17.2)."""
    if not re.fullmatch(r"[0-9]{1,15}", v["webhook_timestamp"]):
        return False
    if abs(v["now"] - int(v["webhook_timestamp"])) > 300:
        return False
    key = base64.b64decode(v["secret"].removeprefix("whsec_"), validate=True)
    signed = f"{v['webhook_id']}.{v['webhook_timestamp']}.{v['body']}".encode()
    code = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    given = [s.encode() for s in v["webhook_signature"].split(" ")]
    return any(hmac.compare_digest(b"v1," + code, s) for s in given)


def check_webhooks(v):
    if "ids" in v:
        taken = list(dict.fromkeys(v["ids"]))
        equal(taken, v["taken"], "taken")
        assert taken != v.get("wrong")
    else:
        equal(accepts(v), v["accepted"], "accepted")


# --- §18: the programme


def points_earned(programme, order):
    """§18.2, in fractions."""
    rule = next((e for e in programme["earn"] if e["currency"] == order["currency"]), None)
    if rule is None or order["total"] == 0:
        return 0
    times = {m["sku"]: m["times"] for m in programme.get("multipliers", [])}
    paid = Fraction(order["total"] - order["paid"], order["total"])
    points = sum(Fraction(amount * times.get(sku, 1000), 1000) for sku, amount in order["lines"])
    points = points * paid * Fraction(order["times"], 1000) * Fraction(rule["points"], rule["per"])
    whole = {"down": math.floor, "up": math.ceil,
             "nearest": lambda p: math.floor(p + Fraction(1, 2))}[rule["rounding"]](points)
    return min(max(whole, 0), 10**9)


def tier_found(programme, earned, at):
    """§18.3: the tier's id and the period."""
    earned, best, before = dict(map(tuple, earned)), 0, None
    period = None
    for start, end in programme.get("tier_periods", []):
        if start <= at < end:
            best, period = max(earned.get(start, 0), earned.get(before, 0)), [start, end]
        before = start
    ids = [t["id"] for t in programme.get("tiers", []) if t["from"] <= best]
    return (ids or [None])[-1], period


def reward_value(reward, lines, currency):
    """§18.4."""
    if "discount" in reward:
        return reward["discount"].get(currency)
    return max((price for sku, price in lines if sku == reward["product"]), default=0) or None


def expired(programme, at):
    """§18.5: day by day, with the calendar of Python."""
    if "expiry_months" not in programme:
        return None
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=at // 86_400_000)
    year, month = divmod(day.year * 12 + day.month - 1 + programme["expiry_months"], 12)
    last = datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    return ((last - datetime.date(1970, 1, 1)).days + 1) * 86_400_000


class Form:
    """Reads a programme as §18.1 has it and notes what is wrong, as [path, code]."""

    def __init__(self, catalog):
        self.faults = []
        self.skus = [p["sku"] for p in catalog["products"]]
        self.currencies = {s["currency"] for s in catalog["stores"]}
        self.dangling = []  # told only where the form itself is right, as a reader does

    def fault(self, path, code):
        self.faults.append([path, code])

    def members(self, value, path, required, optional):
        if not isinstance(value, dict):
            self.fault(path, "wrong_type")
            return {}
        for name in value:
            if name not in required + optional:
                self.fault(f"{path}.{name}", "unknown_member")
        for name in required:
            if name not in value:
                self.fault(path, "missing_member")
        return value

    def integer(self, of, path, name, least, most):
        value = of.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault(f"{path}.{name}", "wrong_type")
        elif not least <= value <= most:
            self.fault(f"{path}.{name}", "out_of_range")

    def id(self, of, path, most):
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,%d}" % most, of.get("id", "x")):
            self.fault(f"{path}.id", "bad_id")

    def word(self, of, path, name, words):
        if of.get(name, words[0]) not in words:
            self.fault(f"{path}.{name}", "unknown_reference")

    def names(self, of, path):
        if of.get("names", 1) == {}:
            self.fault(f"{path}.names", "bad_text")

    def amounts(self, amounts, path, least):
        for code in amounts:
            self.integer(amounts, path, code, least, AMOUNT_MAX)
            self.known(code, self.currencies, f"{path}.{code}")

    def known(self, name, names, path):
        if name not in names:
            self.dangling.append([path, "unknown_reference"])

    def unique(self, things, path, key):
        keys = [thing.get(key) for thing in things]
        self.dangling += [[f"{path}[{i}].{key}", "duplicate"]
                          for i, k in enumerate(keys) if k in keys[:i]]

    def list(self, of, path, name, most, key=None):
        values = of.get(name, [])
        if len(values) > most:
            self.fault(f"{path}.{name}", "too_many")
            return
        if key:
            self.unique(values, f"{path}.{name}", key)
        for i, value in enumerate(values):
            yield f"{path}.{name}[{i}]", value

    def read(self, value):
        path = "programme"
        p = self.members(value, path, ["names", "earn"], [
            "multipliers", "tiers", "tier_periods", "rewards", "expiry_months", "pending_hours",
            "welcome", "refund_policy", "leases"])
        self.names(p, path)
        for at, e in self.list(p, path, "earn", 200, "currency"):
            self.members(e, at, ["currency", "points", "per", "rounding"], [])
            self.integer(e, at, "points", 1, 10**9)
            self.integer(e, at, "per", 1, AMOUNT_MAX)
            self.word(e, at, "rounding", ["down", "nearest", "up"])
            self.known(e.get("currency"), self.currencies, f"{at}.currency")
        for at, m in self.list(p, path, "multipliers", 5000, "sku"):
            self.members(m, at, ["sku", "times"], [])
            self.integer(m, at, "times", 0, 100_000)
            self.known(m.get("sku"), self.skus, f"{at}.sku")
        self.tiers(p, path)
        for at, r in self.list(p, path, "rewards", 200, "id"):
            self.reward(r, at)
        for name, least, most in (("expiry_months", 1, 120), ("pending_hours", 0, 2160),
                                  ("welcome", 0, 10**6)):
            self.integer(p, path, name, least, most)
        self.word(p, path, "refund_policy", ["only_pending", "within_balance", "debt"])
        at = f"{path}.leases"
        terms = self.members(p.get("leases", {}), at, [], [
            "points_max", "share", "card_max", "stop_hours", "grace_hours"])
        for name, least, most in (("points_max", 0, 10**9), ("share", 0, 1000),
                                  ("stop_hours", 1, 720), ("grace_hours", 1, 2160)):
            self.integer(terms, at, name, least, most)
        self.amounts(terms.get("card_max", {}), f"{at}.card_max", 0)
        return self.faults or self.dangling

    def tiers(self, p, path):
        last = -1
        for at, t in self.list(p, path, "tiers", 20, "id"):
            self.members(t, at, ["id", "names", "from", "times"], [])
            self.id(t, at, 32)
            self.names(t, at)
            self.integer(t, at, "from", 0, 10**9)
            self.integer(t, at, "times", 0, 100_000)
            if 0 <= t.get("from", last + 1) <= last:
                self.fault(f"{at}.from", "out_of_order")
            last = t.get("from", last)
        if p.get("tiers") and "tier_periods" not in p:
            self.fault(path, "missing_member")
        if p.get("tier_periods") == []:
            self.fault(f"{path}.tier_periods", "out_of_range")
        last = None
        for at, (start, end) in self.list(p, path, "tier_periods", 400):
            if start >= end or last not in (None, start):
                self.fault(at, "out_of_order")
            else:
                last = end

    def reward(self, r, at):
        self.members(r, at, ["id", "names", "points"], ["discount", "product"])
        self.id(r, at, 64)
        self.names(r, at)
        self.integer(r, at, "points", 1, 10**9)
        if "discount" in r and "product" in r:
            self.fault(f"{at}.product", "duplicate")
        elif "discount" in r:
            if not r["discount"]:
                self.fault(f"{at}.discount", "price_missing")
            self.amounts(r["discount"], f"{at}.discount", 1)
        elif "product" in r:
            self.known(r["product"], self.skus, f"{at}.product")
        else:
            self.fault(at, "missing_member")


def check_programme(v):
    """`catalog` is one, or the id of the vector that has it; `programme` stands in its place."""
    if isinstance(v["catalog"], dict):
        CATALOGS[v["id"]] = v["catalog"]
    catalog = CATALOGS[v["catalog"] if isinstance(v["catalog"], str) else v["id"]]
    programme = v.get("programme", catalog["programme"])
    if "faults" in v:
        found = sorted(Form(catalog).read(programme))
        equal(found, sorted(v["faults"]), "faults")
    else:
        known = {**programme, "rewards": [r for r in programme.get("rewards", [])
                                          if "discount" in r or "product" in r],
                 "earn": [e for e in programme["earn"]
                          if e["rounding"] in ("down", "nearest", "up")]}
        found = programme_answer(known, v)
        name = next(n for n in ("points", "value", "rewards", "expired", "tier") if n in v)
        equal(found, v[name], name)
    assert found != v.get("wrong", ()), "what is wrong is right"


def programme_answer(programme, v):
    if "earn" in v:
        return points_earned(programme, v["earn"])
    if "earned_at" in v:
        hours = programme.get("pending_hours", 0)
        equal(v["earned_at"] + hours * 3_600_000, v["pending_until"], "pending_until")
        return expired(programme, v["earned_at"])
    if "reward" in v:
        reward = by_id(programme["rewards"], v["reward"])
        return reward and reward_value(reward, v["lines"], v["currency"])
    if "reach" in v:
        values = [(r["points"], [r["id"], reward_value(r, v["lines"], v["currency"])])
                  for r in programme["rewards"]]
        values = [(points, r) for points, r in values if points <= v["reach"] and r[1] is not None]
        return [r for _, r in sorted(values, key=lambda entry: entry[0])]
    tier, period = tier_found(programme, v["earned"], v["at"])
    equal(period, v["period"], "period")
    return tier


CHECKS = {"encoding": check_encoding, "applying": check_applying, "folding": check_folding,
          "editing": check_editing, "names": check_names, "rules": check_rules,
          "digests": check_digests, "exchange": check_exchange, "pricing": check_pricing,
          "webhooks": check_webhooks, "programme": check_programme}


def outbox(run, refused=()):
    """The changes of a run as a view takes them, without those that were refused."""
    return [(dot, change.get("time", [0, 0]), writes, taken(change.get("intent")))
            for dot, change, writes in writes_of(run) if change["nonce"] not in refused]


def check_orders(v):
    if "steps" in v:
        return check_exchange(v)
    if "intent" in v:
        data = json_text(expand(v["intent"])).encode()
        found = intent_refusal(decode("value", data, JSON), v.get("beside_writes", False))
        return equal(found, v["rejected"], "refusal")
    if "from" in v:
        return equal(sorted(steps(v["from"], v["by"])), sorted(v["to"]), "steps")
    if "renumbered" in v:
        return check_renumbering(v)
    if "log" in v:
        return check_log(v)
    found = None
    view = View(documents_of(v["start"]), outbox(v["pending"], v.get("refused", ())))
    if "lines" in v:
        found = lines(view.merged, "cart:main")
        equal(found, v["lines"], "lines")
    for key, dots in v.get("seen", []):
        equal([list(dot) for dot in view.seen(tuple(key))], dots, "seen")
    if "edit" in v:
        found = write_form(view.edit(*v["edit"]))
        equal(found, v["writes"], "writes")
    for item, cells in v.get("cells", {}).items():
        keys = sorted(k for k in {**view.confirmed, **view.own} if k[:2] == ("cart:main", item))
        found = sorted(f"{r}.{n}.{key[2]}" for key in keys for r, n in view.seen(key))
        equal(found, sorted(cells), "cells")
        found = {item: found}
    if "wrong" in v:
        assert found != v["wrong"], "the wrong result is the right one"


def check_log(v):
    documents = documents_of(v["start"])
    for run in v["log"]:
        for dot, change, writes in writes_of(run):
            apply(documents, dot, change.get("time", [0, 0]), writes)
            for key, cell in taken(change.get("intent")):
                documents.get(key, {}).pop(cell, None)
    documents = {key: cells for key, cells in documents.items() if cells}
    equal(snapshot_of(documents), v["end"], "state")
    found = lines(documents, "cart:main")
    equal(found, v["lines"], "lines")
    assert found != v.get("wrong"), "the wrong result is the right one"


def check_renumbering(v):
    old, new = v["pending"]["replica"], v["replica"]
    first = v["pending"]["counter"]
    last = first + len(v["pending"]["changes"]) - 1

    def renamed(dot):
        replica, counter = dot
        return [new, counter - first + 1] if replica == old and first <= counter <= last else [*dot]

    found = json.loads(json.dumps(v["pending"]))
    found["replica"], found["counter"] = new, 1
    for change in found["changes"]:
        for write in change.get("writes", []):
            if "replaces" in write:
                write["replaces"] = [renamed(dot) for dot in write["replaces"]]
        for line in change.get("intent", {}).get("lines", []):
            cells = [cell_of(cell) for cell in line.get("cells", [])]
            line["cells"] = [".".join(map(str, renamed(dot) + [field])) for dot, field in cells]
    equal(found, v["renumbered"], "renumbered")
    assert found != v.get("wrong"), "the wrong result is the right one"


CHECKS["orders"] = check_orders


# ---------------------------------------------------------------- §19.2, §20: an account

NEVER = 2**63  # sorts behind every date; written as null


class NotDone(Exception):
    pass


def lots_of(form):
    return {NEVER if date is None else date: units for date, units in form}


def lots_form(lots):
    return [[None if date == NEVER else date, lots[date]] for date in sorted(lots)]


def put(lots, more):
    for date, units in more.items():
        lots[date] = lots.get(date, 0) + units


def take(lots, units, since=0):
    """The first to expire first; as many as there are."""
    taken = {}
    for date in sorted(date for date in lots if date >= since):
        part = min(max(0, units - sum(taken.values())), lots[date])
        if part:
            taken[date] = part
            lots[date] -= part
    for date in [date for date in lots if not lots[date]]:
        del lots[date]
    return taken


class Account:
    SUMS = ["granted", "spent", "expired", "taken_back", "debt_paid", "written_off", "debt"]

    def __init__(self, terms):
        self.terms = {"units_max": 2000, "share": 500, "stop_ms": 259_200_000,
                      "grace_ms": 1_209_600_000, **terms}
        self.sums = dict.fromkeys(self.SUMS, 0)
        self.available, self.pending, self.leases, self.closed = {}, [], {}, {}
        self.now = 0

    def held(self):
        return sum(sum(lease["rest"].values()) for lease in self.leases.values())

    def free(self, op):
        return sum(self.available.values()) - op.get("withheld", 0)

    def run(self, op):
        self.now = op.get("at", self.now)
        settled = self.settle()
        gives = settled if op["do"] == "settle" else getattr(self, op["do"])(op) or {}
        self.check()
        return gives

    def check(self):
        """L1 to L5."""
        terms = [sum(part[1] for part in self.pending), sum(self.available.values()), self.held(),
                 *(self.sums[name] for name in self.SUMS[1:-1])]
        assert self.sums["granted"] == sum(terms), "L1"
        assert min(terms + [self.sums["debt"]]) >= 0, "L2"
        for lease in self.leases.values():
            assert sum(lease["rest"].values()) + lease.get("redeemed", 0) <= lease["granted"], "L3"
            assert lease["stop_at"] <= min(lease["rest"], default=NEVER), "L4"
            assert all(lease["rest"].values()), "L5"
        assert all(self.available.values()), "L5"

    def settle(self):
        due = [part for part in self.pending if part[2] <= self.now]
        self.pending = [part for part in self.pending if part[2] > self.now]
        for _, units, _, expires in due:
            put(self.available, {NEVER if expires is None else expires: units})
        gone = sum(n for date, n in self.available.items() if date <= self.now)
        self.available = {date: n for date, n in self.available.items() if date > self.now}
        self.sums["expired"] += gone
        return {"matured": sum(part[1] for part in due), "expired": gone}

    def grant(self, op):
        if self.sums["granted"] + op["units"] > INTEGER_MAX:
            raise NotDone("amount_out_of_range")
        paid = min(self.sums["debt"], op["units"])
        rest, due, expires = op["units"] - paid, op.get("due", self.now), op.get("expires")
        self.sums["granted"] += op["units"]
        self.sums["debt"] -= paid
        self.sums["debt_paid"] += paid
        if rest and due > self.now:
            self.pending.append([op["for"], rest, due, expires])
        elif rest:
            put(self.available, lots_of([[expires, rest]]))
        return {"debt_paid": paid}

    def spend(self, op, code="balance_too_low"):
        if self.free(op) < op["units"]:
            raise NotDone(code)
        parts = take(self.available, op["units"])
        self.sums["spent"] += op["units"]
        return {"parts": lots_form(parts)}

    def refund(self, op):
        parts = lots_of(op["parts"])
        put(self.available, parts)
        self.sums["spent"] -= sum(parts.values())

    def take_back(self, op):
        left = op["units"]
        for part in self.pending:
            if part[0] == op["for"]:
                gone = min(left, part[1])
                part[1] -= gone
                left -= gone
        self.pending = [part for part in self.pending if part[1]]
        if op["policy"] != "only_pending":
            left -= sum(take(self.available, left).values())
        debt = {"only_pending": 0, "within_balance": min(left, self.held()),
                "debt": left}[op["policy"]]
        self.sums["taken_back"] += op["units"] - left
        self.sums["debt"] += debt
        return {"taken": op["units"] - left, "debt": debt}

    def write_off(self, op):
        if self.free(op) < op["units"]:
            raise NotDone("balance_too_low")
        take(self.available, op["units"])
        self.sums["written_off"] += op["units"]

    def lease(self, op):  # §20.2
        known = self.leases.get(op["lease"])
        if known and (known["to"] != op["to"] or "sealed" in known):
            raise NotDone("lease_not_held")
        if not known and len(self.leases) == 8:
            raise NotDone("lease_denied")
        lease = known or {"id": op["lease"], "to": op["to"], "granted": 0, "rest": {},
                          "stop_at": 0}
        share = (sum(self.available.values()) + self.held()) * self.terms["share"] // 1000
        most = min(min(share, self.terms["units_max"]) - self.held(), self.free(op))
        wanted = op["units"] - sum(lease["rest"].values())
        parts = take(self.available, min(wanted, most, 10**9 - lease["granted"]),
                     max(self.now + 1, lease["stop_at"]))
        if not known and not parts:
            raise NotDone("lease_denied")
        put(lease["rest"], parts)
        lease["granted"] += sum(parts.values())
        lease["stop_at"] = max(lease["stop_at"], min(
            self.now + self.terms["stop_ms"], min(lease["rest"], default=NEVER)))
        lease.pop("asked_back", None)
        self.leases[op["lease"]] = lease
        return {"given": sum(parts.values())}

    def adopt(self, op):  # §20.6
        parts = take(self.available, op["units"], op["stop_at"])
        self.leases[op["lease"]] = {"id": op["lease"], "to": op["to"], "rest": parts,
                                    "granted": op["units"], "stop_at": op["stop_at"]}

    def spend_by(self, op):
        lease = self.leases.get(op["lease"])
        if lease is None:
            return {**self.spend(op, "lease_expired"), "by_lease": 0}  # §20.4: late
        by_lease = min(op["units"], sum(lease["rest"].values()))
        rest = op["units"] - by_lease
        if rest and rest > self.free(op):
            raise NotDone("balance_too_low")
        parts = take(lease["rest"], by_lease)
        put(parts, take(self.available, rest))
        self.sums["spent"] += op["units"]
        return {"parts": lots_form(parts), "by_lease": by_lease}

    def given(self, op):  # §22.3
        lease = self.leases.get(op["lease"]) or self.closed[op["lease"]]
        due = min(op["units"], lease["granted"] - lease.get("redeemed", 0))
        if due:
            lease["redeemed"] = lease.get("redeemed", 0) + due
        parts = take(lease["rest"], due)
        by_lease = sum(parts.values())
        put(parts, take(self.available, due - by_lease))
        self.sums["spent"] += sum(parts.values())
        return {"parts": lots_form(parts), "by_lease": by_lease,
                "loss": op["units"] - sum(parts.values())}

    def close(self, op):
        lease = self.leases.pop(op["lease"], {"rest": {}})
        rest, lease["rest"] = lease["rest"], {}
        if "id" in lease:
            self.closed[op["lease"]] = lease
        put(self.available, rest)
        return {"units": sum(rest.values())}

    def close_all(self, fits):
        found = [name for name, lease in self.leases.items() if fits(lease)]
        for name in found:
            self.close({"lease": name})
        return {"closed": found}

    def reclaim(self, op):
        return self.close_all(lambda lease: isinstance(lease["to"], str)
                              and self.now > lease["stop_at"] + self.terms["grace_ms"])

    def watermark(self, op):
        return self.close_all(lambda lease: lease["to"] == op["of"]
                              and lease["stop_at"] <= op["until"])

    def seal(self, op):
        found = [name for name, lease in self.leases.items()
                 if lease["to"] == op["holder"] and "sealed" not in lease]
        for name in found:
            self.leases[name]["sealed"] = True
        return {"sealed": found}

    def ask_back(self, op):
        asked = [lease for lease in self.leases.values() if isinstance(lease["to"], str)
                 and lease["rest"] and "asked_back" not in lease]
        for lease in asked:
            lease["asked_back"] = True
        return {"asked": bool(asked)}

    def form(self):
        leases = [{**lease, "rest": lots_form(lease["rest"])} for lease in self.leases.values()]
        return {**self.sums, "pending": self.pending, "available": lots_form(self.available),
                "leases": leases}


def check_account(v):
    account = Account(v.get("terms", {}))
    for number, op in enumerate(v["ops"], 1):
        try:
            found = {"gives": account.run(op)}
        except NotDone as error:
            account.check()
            found = {"refused": str(error)}
        wanted = {name: op[name] for name in ("gives", "refused") if name in op}
        equal(found if wanted else {}, wanted, f"op {number}")
    equal(account.form(), v["end"], "end")
    assert account.form() != v.get("wrong"), "the wrong account is the right one"


# ---------------------------------------------------------------- §19.4, §20.3: documents

ENTRY_KINDS = """welcome earn top_up grant spend refund expire take_back debt_paid write_off lease
    release debt loss""".split()
HEX_16, WHOLE = pattern("[0-9a-f]{16}"), integer(0, INTEGER_MAX)


def is_true(value):
    if value is not True:
        raise Unfit()


def lot_fits(lot):
    several(2, 2, lambda part: None)(lot)
    if lot[0] is not None:
        WHOLE(lot[0])
    integer(1, INTEGER_MAX)(lot[1])


def document_read(item, value):
    """What a client takes out of a value of `ledger`; None where it passes over it."""
    if item.startswith("entry."):
        fields = {"id": WHOLE, "account": ACCOUNT, "kind": pattern("|".join(ENTRY_KINDS)),
                  "units": WHOLE, "at": WHOLE, "reference": text(INTEGER_MAX), "due?": WHOLE,
                  "expires?": WHOLE}
    elif item.startswith("lease."):
        holder = {"replica": HEX_16} if "replica" in value else {
            "store": text(64), "incarnation": HEX_16}
        fields = {"account": ACCOUNT, "granted": WHOLE, "left": WHOLE, "stop_at": WHOLE,
                  "sealed?": is_true, "asked_back?": is_true, "certificate?": text(64),
                  "secret?": text(64), **holder}
    else:
        fields = {"available": WHOLE, "held": WHOLE, "pending": WHOLE, "debt": WHOLE,
                  "lots": several(0, INTEGER_MAX, lot_fits),
                  "maturing": several(0, INTEGER_MAX, lot_fits)}
    known = {name: content for name, content in value.items()
             if name in fields or name + "?" in fields}
    try:
        ACCOUNT(item) if "lots" in fields else None
        members(known, fields)
    except Unfit:
        return None
    return known


def may_spend(v):
    """§20.3: left of the documents, less what own changes spend that these do not count."""
    left = {name: lease["left"] for name, lease in v["leases"].items()
            if lease.get("replica") == v["replica"] and "sealed" not in lease
            and lease["stop_at"] > v["now"]}
    for intent in v["uncounted"]:
        if intent["kind"] == "release":
            left.pop(intent["lease"], None)
        for tender in intent.get("tenders", []):
            name = tender.get("lease", {}).get("id")
            if name in left:
                spent = tender["points"] if tender["kind"] == "points" else tender["amount"]
                left[name] = max(0, left[name] - spent)
    return left


def check_ledger(v):
    if "steps" in v:
        return check_exchange(v)
    if "intent" in v:
        return check_orders(v)
    if "ops" in v:
        return check_account(v)
    if "may_spend" in v:
        for intent in v["uncounted"]:
            equal(intent_refusal(intent), None, "intent")
        found = may_spend(v)
        equal(found, v["may_spend"], "may spend")
    else:
        found = document_read(v["item"], v["value"])
        equal(found, v["reads"], "reads")
    assert found != v.get("wrong", ()), "the wrong result is the right one"


# ---------------------------------------------------------------- §22.1, §22.2: codes, the register


def mac(secret, message):
    return hmac.new(bytes.fromhex(secret), message.encode(), hashlib.sha256).digest()


def shown(message, secret, at):
    """A message as a phone shows it at a time."""
    message = f"{message}.{at // 30_000}"
    return f"{message}.{mac(secret, message)[:16].hex().upper()}"


def certificate(c):
    return (f"TOTE.L1.{c['lease']}.{c['member']}.{c['account']}.{c['granted']}.{c['stop_at']}."
            f"{c['incarnation']}").upper()


def certificate_parts(message):
    number = "(0|[1-9][0-9]{0,15})"
    pattern(r"TOTE\.L1\.[0-9A-F]{32}\.[0-9A-F]{16}\.(POINTS|CARD:[A-Z]{3})\."
            + number + r"\." + number + r"\.[0-9A-F]{16}")(message)
    granted, stop_at = map(int, message.split(".")[5:7])
    UNITS(granted)
    integer(0, INTEGER_MAX)(stop_at)


def scanned(v):
    """The code that a text is refused with by who knows one member and one store's key, or None."""
    if not re.fullmatch(r"[A-Z0-9.:]{1,256}", v["scan"]):
        return "code_unknown"
    head, _, step = v["scan"].rpartition(".")[0].rpartition(".")
    if not re.fullmatch("0|[1-9][0-9]{0,12}", step) or int(step) >= 2**40:
        return "code_unknown"
    secret = None
    if re.fullmatch(r"TOTE\.M1\.[0-9A-F]{16}", head):
        secret = v.get("secret") if head[8:].lower() == v.get("member") else None
    else:
        try:
            certificate_parts(head)
        except Unfit:
            return "code_unknown"
        if "store_key" in v:
            secret = mac(v["store_key"], head).hex()
    if secret is None or shown(head, secret, int(step) * 30_000) != v["scan"]:
        return "code_unknown"
    return None if -3 <= int(step) - v["now"] // 30_000 <= 2 else "code_expired"


def check_register(v):
    own, watermark = v["register"]["incarnation"], v["register"].get("watermark", 0)
    taken, closed = {}, set()
    for number, op in enumerate(v["ops"], 1):
        code = None
        if "promise" in op:
            watermark = max(watermark, op["promise"])
        elif "close" in op:
            closed.add(op["close"])
        else:
            before = taken.get(op["lease"], 0)
            if op.get("incarnation", own) != own:
                code = "lease_not_held"
            elif op["stop_at"] <= max(op["now"], watermark) or op["lease"] in closed:
                code = "lease_expired"
            elif op["granted"] - before < op["take"]:
                code = "balance_too_low"
            else:
                taken[op["lease"]] = before + op["take"]
        equal(code, op.get("refused"), f"op {number}")
    found = {"watermark": watermark,
             "taken": {lease: n for lease, n in taken.items() if lease not in closed}}
    equal(found, v["end"], "end")
    assert found != v.get("wrong"), "the wrong register is the right one"


def check_codes(v):
    if "steps" in v:
        return check_exchange(v)
    if "scan" in v:
        return equal(scanned({**v, "scan": expand(v["scan"])}), v["refused"], "refusal")
    if "register" in v:
        return check_register(v)
    if "certificate" not in v:
        found = shown(f"TOTE.M1.{v['member'].upper()}", v["secret"], v["at"])
        return equal([found, found == v.get("wrong")], [v["text"], False], "text")
    message = certificate(v["certificate"])
    secret = mac(v["store_key"], message).hex()
    equal([message, secret, shown(message, secret, v["at"])],
          [v["message"], v["secret"], v["text"]], "certificate")
    assert secret != v.get("wrong"), "the wrong secret is the right one"


# ---------------------------------------------------------------- handoffs.md §24

BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def base45(data):
    """RFC 9285: two bytes in three characters, the lowest digit first; a last one in two."""
    text = ""
    for start in range(0, len(data), 2):
        value = int.from_bytes(data[start:start + 2], "big")
        for _ in range(3 if start + 1 < len(data) else 2):
            value, digit = divmod(value, 45)
            text += BASE45[digit]
    return text


def unbase45(text):
    data = b""
    for start in range(0, len(text), 3):
        group = text[start:start + 3]
        value = sum(BASE45.index(c) * 45**place for place, c in enumerate(group))
        data += value.to_bytes(len(group) - 1, "big")
    return data


def carried(c):
    run = RUN.cbor(c["run"]) if "run" in c else b""
    key = hashlib.sha256(c["token"].encode()).hexdigest()
    message = (f"TOTE.H1.{c['id']}.{key[:16]}.{c['for_s']}.{c['until']}".upper()
               + f".{base45(run)}")
    return f"{message}.{mac(key, message)[:16].hex().upper()}"


def carried_refusal(v):
    """What a code that carries the cart is refused with by who knows one token, or None."""
    text = v["scan"]
    found = re.fullmatch(
        r"(TOTE\.H1\.[0-9A-F]{32}\.([0-9A-F]{16})\.([1-9][0-9]*)\.([1-9][0-9]*)\."
        r"([0-9A-Z $%*+./:-]*))\.([0-9A-F]{32})", text)
    try:
        run = unbase45(found[5]) if found and len(text) <= 3_200 else None
    except OverflowError:
        run = None
    if run is None or base45(run) != found[5] or len(run) > 1_800 \
            or not 60 <= int(found[3]) <= 28_800:
        return "wrong_code"
    key = hashlib.sha256(v["token"].encode()).hexdigest()
    is_made = mac(key, found[1])[:16].hex().upper() == found[6]
    if found[2] != key[:16].upper() or not is_made:
        return "code_unknown"
    until = int(found[4])
    return None if v["now"] < until <= v["now"] + 900_000 else "code_expired"


def check_handoffs(v):
    if "steps" in v:
        return check_exchange(v)
    if "base45" in v:
        data = v["bytes"].encode()
        return equal([base45(data), unbase45(v["base45"])], [v["base45"], data], "base 45")
    if "scan" in v:
        return equal(carried_refusal({**v, "scan": expand(v["scan"])}), v["refused"], "refusal")
    equal(carried(v["carried"]), v["text"], "text")
    assert v["text"] != v.get("wrong"), "the wrong text is the right one"


# ---------------------------------------------------------------- orders.md §13.4


def metres(a, b):
    """On a sphere, by the haversine."""
    (lat1, lon1), (lat2, lon2) = [[math.radians(x / 1e6) for x in point] for point in (a, b)]
    h = (math.sin((lat2 - lat1) / 2) ** 2
         + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2)
    return round(2 * 6_371_000 * math.asin(min(1, math.sqrt(h))))


def choice(catalog, store, v):
    """[the time, or why not, with the items that it is about]."""
    at, wanted, full = v["at"], v.get("wanted"), v.get("full", {}).get(store["id"], [])
    found = times(catalog, store["id"], at)
    earliest = found["earliest_pickup"]

    def is_open(moment):
        return any(start <= moment < end for start, end in store["open"])

    if earliest is None or wanted is None and earliest > at + 86_400_000:
        return ["store_closed"]
    if wanted is None and not found["is_open"]:
        return ["closed_now"]
    if wanted is not None and wanted < earliest:
        return ["pickup_time_passed"]
    if wanted is not None and not is_open(wanted):
        return ["store_closed"]
    try:
        quote(catalog, store["id"], v["lines"])
    except NoQuote as refusal:
        return [refusal.value["code"], *refusal.value.get("items", [])]
    length = store["slot_minutes"] * 60_000
    moment = first = earliest if wanted is None else wanted
    while moment <= first + 86_400_000:
        if moment - moment % length not in full and is_open(moment):
            break
        moment += length - moment % length
    if moment > first + 86_400_000 or wanted is not None and moment != wanted:
        return ["slot_full"]
    return [moment]


def check_nearest(v):
    if "steps" in v:
        return check_exchange(v)
    if isinstance(v["catalog"], dict):
        CATALOGS[v["id"]] = v["catalog"]
    catalog = CATALOGS[v["catalog"] if isinstance(v["catalog"], str) else v["id"]]
    found = []
    for store in catalog["stores"]:
        far = metres(v["near"], store["location"]) if "near" in v and "location" in store else None
        found.append([store["id"], far, *choice(catalog, store, v)])
    found.sort(key=lambda c: (isinstance(c[2], str), c[1] is None, c[1], c[0].encode()))
    return equal([found, found == v.get("wrong")], [v["choices"], False], "choices")


# ---------------------------------------------------------------- channels.md §26


def scanned_code(catalog, text):
    """What a scanned text stands for, or None."""
    for code in catalog.get("codes", []):
        if code["code"] == text:
            options = sorted(f"{group}={choice}" for group, choice in code.get("options", {}).items())
            found = {"item": "|".join([code["sku"], *options]), "channel": code.get("channel", "wall")}
            return {**found, "store": code["store"]} if "store" in code else found
    for product in catalog["products"]:
        if text in product.get("barcodes", []):
            return {"item": product["sku"]}
    return None


def check_channels(v):
    if "steps" in v:
        return check_exchange(v)
    if "run" in v:
        return check_rules(v)
    if isinstance(v["catalog"], dict):
        CATALOGS[v["id"]] = v["catalog"]
    catalog = CATALOGS[v["catalog"] if isinstance(v["catalog"], str) else v["id"]]
    found = scanned_code(catalog, v["scan"])
    return equal([found, found == v.get("wrong", 0)], [v["means"], False], "meaning")


# ---------------------------------------------------------------- aftersales.md §27.3

SALES_LETTERS = "ACDEFGHJKLMNPQRTUVWXY34679"


def sales_check(digits):
    return sum(d * w for d, w in zip(digits, [1, 3, 5, 7, 9, 11, 15, 17, 19, 21, 23])) % 26


def sales_number(order):
    """An order's number, without dashes."""
    rest, digits = int(order[:12], 16), []
    for _ in range(11):
        digits.append(rest % 26)
        rest //= 26
    return "".join(SALES_LETTERS[d] for d in [*digits, sales_check(digits)])


def numbered_bits(text):
    """The bits that a number has of its order's id, in hex, or None."""
    letters = text.replace("-", "").replace(" ", "")
    if len(letters) != 12 or any(c.upper() not in SALES_LETTERS or ord(c) > 127 for c in letters):
        return None
    *digits, check = [SALES_LETTERS.index(c.upper()) for c in letters]
    bits = sum(d * 26**place for place, d in enumerate(digits))
    return f"{bits:012x}" if check == sales_check(digits) and bits < 2**48 else None


def check_aftersales(v):
    if "steps" in v:
        return check_exchange(v)
    if "order" in v:
        return equal([sales_number(v["order"]), sales_number(v["order"]) == v.get("wrong")],
                     [v["number"], False], "number")
    return equal(numbered_bits(v["reads"]), v["bits"], "bits")


# ---------------------------------------------------------------- lists.md §31


class NoList(Exception):
    """`line` is where a text is no list; 0 for the whole."""

    def __init__(self, line):
        super().__init__(line)
        self.line = line


def list_text(value):
    rows = [f"# {value['title']}"] if "title" in value else []
    for row in value["lines"]:
        note = f" # {row['note']}" if "note" in row else ""
        rows.append(f"- [{'x' if row.get('ticked') else ' '}] {row['quantity']} x {row['item']}{note}")
    return "\n".join(rows)


def list_link(value):
    return "tote:list:" + base64.urlsafe_b64encode(Value().cbor(value)).decode().rstrip("=")


def list_row(item, quantity, note, ticked, line):
    if not 1 <= len(item.encode()) <= 512 or not 1 <= quantity <= 1_000_000:
        raise NoList(line)
    if note is not None and not 1 <= len(note.encode()) <= 512:
        raise NoList(line)
    row = {"item": item, "quantity": quantity}
    if note is not None:
        row["note"] = note
    return {**row, "ticked": True} if ticked else row


def list_value(value):
    if not isinstance(value, dict) or not isinstance(value.get("lines"), list):
        raise NoList(0)
    found = {"title": value["title"]} if "title" in value else {}
    if not 1 <= len(value.get("title", "x").encode()) <= 256:
        raise NoList(0)
    found["lines"] = []
    for number, row in enumerate(value["lines"], 1):
        if not isinstance(row.get("item"), str) or not isinstance(row.get("quantity"), int):
            raise NoList(number)
        found["lines"].append(list_row(
            row["item"], row["quantity"], row.get("note"), row.get("ticked") is True, number))
    return found


def list_plain(text):
    found = {"lines": []}
    for number, row in enumerate(re.split(r"[\n\r]", text), 1):
        row = row.strip(" ")
        if not row:
            continue
        if row.startswith("# ") and "title" not in found and not found["lines"]:
            found["title"] = row[2:].strip(" ")
            if len(found["title"].encode()) > 256:
                raise NoList(number)
            continue
        row = re.sub(r"^[-*] ", "", row).strip(" ")
        box = re.match(r"\[([ xX])\]", row)
        row = row[3:].strip(" ") if box else row
        times = re.match(r"([0-9]+) *[x×] ", row)
        row = row[times.end():].strip(" ") if times else row
        item, mark, note = row.partition(" # ")
        found["lines"].append(list_row(
            item.strip(" "), int(times[1]) if times else 1, note.strip(" ") if mark else None,
            bool(box) and box[1] != " ", number))
    return found


def read_list(text):
    if len(text.encode()) > 65_536:
        raise NoList(0)
    trimmed = text.strip(" ")
    if trimmed.startswith("tote:list:"):
        digits = trimmed[10:]
        if not re.fullmatch(r"[A-Za-z0-9_-]*", digits):
            raise NoList(0)
        try:
            data = base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))
            value = Value().read(CBOR(data).message(), None)
        except (ValueError, Refused):
            raise NoList(0) from None
        if list_link(value) != trimmed:
            raise NoList(0)
        found = list_value(value)
    elif trimmed.startswith("{"):
        try:
            value = json.loads(trimmed)
        except ValueError:
            raise NoList(0) from None
        found = list_value(value)
    else:
        found = list_plain(text)
    items = [row["item"] for row in found["lines"]]
    if not 1 <= len(items) <= 200 or len(set(items)) < len(items):
        raise NoList(0)
    return found


def place_order(place):
    def runs(text):
        found = re.findall(rb"[0-9]+|[^0-9]+", text.encode())
        return [(0, int(run), b"") if run[:1].isdigit() else (1, 0, run) for run in found]

    def compared(one, other):
        for left, right in zip(one, other):
            if left == right:
                continue
            if left[0] == right[0]:
                return -1 if left < right else 1
            first = [str(p[1]).encode() if p[0] == 0 else p[2] for p in (left, right)]
            return -1 if first[0] < first[1] else 1
        return len(one) - len(other)

    key = functools.cmp_to_key(compared)
    return key(runs(place["aisle"])), key(runs(place.get("bin", "")))


def check_lists(v):
    if "steps" in v:
        return check_exchange(v)
    if "walk" in v:
        places = {p["sku"]: p.get("places", {}).get(v["store"]) for p in v["catalog"]["products"]}
        known = [item for item in v["walk"] if places.get(item.split("|")[0])]
        found = sorted(known, key=lambda item: place_order(places[item.split("|")[0]]))
        found += [item for item in v["walk"] if item not in known]
        return equal([found, found == v.get("wrong")], [v["walked"], False], "walk")
    if "reads" in v:
        try:
            found = {"list": read_list(v["reads"])}
        except NoList as refusal:
            found = {"refused": refusal.line}
        wanted = {name: v[name] for name in ("list", "refused") if name in v}
        return equal([found, found.get("list") == v.get("wrong", 0)], [wanted, False], "list")
    return equal([list_text(v["list"]), list_link(v["list"])], [v["text"], v["link"]], "forms")


# ---------------------------------------------------------------- shares.md §32.1


def check_shares(v):
    if "steps" in v:
        return check_exchange(v)
    text = "\n".join(["tote share", v["kind"], v["maker"], v["seed"]])
    found = f"{v['kind']}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"
    return equal([found, found == v.get("wrong")], [v["space"], False], "space")


CHECKS.update(
    aftersales=check_aftersales, channels=check_channels, nearest=check_nearest, ledger=check_ledger, codes=check_codes, handoffs=check_handoffs, erasure=check_exchange, visits=check_exchange, guests=check_exchange, offers=check_exchange,
    lists=check_lists, shares=check_shares)


def coverage(vectors):
    """Every MUST has a vector that keeps it and one that breaks it; every id is used once."""
    texts = ["protocol.md", "orders.md", "webhooks.md", "points.md", "handoffs.md",
             "erasure.md", "channels.md", "aftersales.md", "visits.md",
             "guests.md", "offers.md", "lists.md", "shares.md"]
    text = "\n\n".join((HERE / name).read_text("utf-8") for name in texts)
    musts = re.findall(r"\*\*\[(M-[A-Z]+-\d+)\]\*\*", text)
    faults = [f"{must} is defined twice" for must in set(musts) if musts.count(must) > 1]
    for which in ("keeps", "breaks"):
        named = {must for v in vectors for must in v.get(which, [])}
        faults += [f"no vector {which} {must}" for must in musts if must not in named]
        faults += [f"{must} is not in the text" for must in sorted(named - set(musts))]
    for paragraph in text.split("\n\n"):
        for sentence in re.findall(r"[^.\n|][^.|]*\bMUST\b", paragraph):
            if "[M-" not in paragraph:
                faults.append(f"a MUST without an id: {sentence.strip()[:60]}")
    ids = [v["id"] for v in vectors]
    faults += [f"{i} is used twice" for i in set(ids) if ids.count(i) > 1]
    sections = set(re.findall(r"^#+ (\d+(?:\.\d+)?)", text, re.M))
    faults += [f"{v['id']}: no section {v['section']}" for v in vectors
               if v["section"] not in sections]
    if len(ids) < 200:
        faults.append(f"only {len(ids)} vectors")
    codes = [e["code"] for e in json.loads((HERE / "errors.json").read_text("utf-8"))]
    faults += [f"error {code} is listed twice" for code in set(codes) if codes.count(code) > 1]
    for v in vectors:
        for step in v.get("steps", []):
            fates = step.get("reply", {}).get("fates", [])
            found = [fate["rejected"]["code"] for fate in fates
                     if isinstance(fate, dict) and "rejected" in fate]
            found += [step["problem"]["code"]] if "code" in step.get("problem", {}) else []
            faults += [f"{v['id']}: {code} is not in errors.json" for code in found
                       if code not in codes]
    return faults


def main():
    passed, failures, vectors = 0, [], []
    for path in sorted((HERE / "vectors").glob("*.json")):
        for v in json.loads(path.read_text("utf-8")):
            vectors.append(v)
            try:
                CHECKS[path.stem](v)
                passed += 1
            except Exception as error:  # a vector that breaks the checker has failed, whatever it is
                failures.append(f"{v['id']}: {type(error).__name__}: {error}")
    failures += coverage(vectors)
    for failure in failures:
        print(failure)
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
