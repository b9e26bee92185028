"""A store's counter API (Protocol/orders.md, section 15) in memory, for tests of the pickup board.

It keeps what the text says of polling, hand-overs, undo and disputes, and can be stopped and started
again on the same port. `python3 fake_store.py [PORT]` serves it with a few orders, to look at the
page by hand: the token is `till-1-token`.
"""
import json
import os
import random
import re
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

PAGES = Path(__file__).resolve().parents[2] / "Sources" / "ToteBoard" / "Page"
TYPES = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
         "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
ALPHABET = "ACDEFGHJKLMNPQRTUVWXY34679"
CLOSED = ("cancelled", "declined")
UNDO_MS = 60_000


def now_ms():
    return int(time.time() * 1000)


class Problem(Exception):
    def __init__(self, status, code, **members):
        super().__init__(code)
        self.status, self.code, self.members = status, code, members


class Store:
    """The orders of one store, and what its counters may do with them."""

    def __init__(self, name="s-17"):
        self.name = name
        self.lock = threading.Condition()
        self.orders, self.changed_at, self.sequence = {}, {}, 0
        self.oldest_cursor = 0
        self.answers, self.wrong = {}, {}
        self.tokens = {
            "till-1-token": {"label": "till-1", "role": "staff"},
            "till-2-token": {"label": "till-2", "role": "staff"},
            "manager-token": {"label": "Grace", "role": "manager"}}
        self.waiting = {}

    # What a test does in place of customers and kitchen.

    def place(self, code=None, state="placed", age_minutes=0, **members):
        at = now_ms() - age_minutes * 60_000
        order = {
            "id": "%032x" % random.getrandbits(128),
            "code": code or "".join(random.choices(ALPHABET, k=4)), "store": self.name,
            "state": "placed", "version": 1, "currency": "EUR", "total": 900,
            "tax": [["food", 55000, 47]], "tax_included": True,
            "tenders": [{"kind": "external", "amount": 900}],
            "lines": [{"item": "latte|size=L", "sku": "latte", "options": {"size": "L"},
                       "quantity": 2, "price": 450,
                       "names": {"en": "Latte", "fr": "Café au lait"},
                       "options_names": {"en": "Large", "fr": "Grand"}}],
            "placed_at": at, "pickup_at": at + 600_000,
            "steps": [{"state": "placed", "at": at, "by": "customer"}]}
        order.update(members)
        with self.lock:
            self.orders[order["id"]] = order
            self.touch(order)
        for step in {"placed": [], "preparing": ["preparing"],
                     "ready": ["preparing", "ready"]}[state]:
            self.step(order["id"], step, at=at)
        return dict(order)

    def step(self, order_id, to, by="kitchen", at=None):
        with self.lock:
            return self.move(self.orders[order_id], to, by, at)

    def forget_cursors(self):
        with self.lock:
            self.sequence += 1
            self.oldest_cursor = self.sequence
            self.lock.notify_all()

    def order(self, order_id):
        with self.lock:
            return json.loads(json.dumps(self.orders[order_id]))

    # What the API does.

    def touch(self, order):
        self.sequence += 1
        self.changed_at[order["id"]] = self.sequence
        self.lock.notify_all()

    def move(self, order, to, by, at=None):
        at = at or now_ms()
        order["state"] = to
        order["version"] += 1
        order["steps"].append({"state": to, "at": at, "by": by})
        if to == "ready" and "ready_at" not in order:
            order["ready_at"] = at
        self.touch(order)
        return dict(order)

    def find(self, order_id):
        if order_id not in self.orders:
            raise Problem(404, "not_found")
        return self.orders[order_id]

    def poll(self, token, states, since, wait):
        until = time.monotonic() + wait
        with self.lock:
            start = None
            if since is not None:
                match = re.fullmatch(r"c\.(\d+)", since)
                start = int(match[1]) if match else -1
            if start is not None and wait > 0:
                if self.waiting.get(token, 0) >= 4:
                    raise Problem(429, "too_many_waiting", retry_after=1)
                self.waiting[token] = self.waiting.get(token, 0) + 1
                try:
                    while self.sequence <= start and time.monotonic() < until:
                        self.lock.wait(until - time.monotonic())
                finally:
                    self.waiting[token] -= 1
            if start is not None and not self.oldest_cursor <= start <= self.sequence:
                raise Problem(410, "cursor_expired")
            changed = [order for order in self.orders.values()
                       if start is None or self.changed_at[order["id"]] > start]
            # A disputed order is for every board, whatever states it asks for.
            wanted = [o for o in changed if o["state"] in states or o.get("disputed")]
            left = [o for o in changed if o not in wanted] if start is not None else []
            return {"cursor": f"c.{self.sequence}", "server_time": now_ms(),
                    "orders": json.loads(json.dumps(wanted)),
                    "left": [{"id": o["id"], "state": o["state"], "version": o["version"]}
                             for o in left]}

    def hand_over(self, token, body):
        by = self.tokens[token]["label"]
        with self.lock:
            if "order" in body:
                order = self.find(body["order"])
            else:
                order = self.by_code(token, str(body.get("code", "")))
            if order["state"] == "collected":
                first = [s for s in order["steps"] if s["state"] == "collected"][-1]
                raise Problem(409, "already_collected", by=first["by"], at=first["at"])
            if order["state"] in CLOSED:
                if "at" in body:
                    order["disputed"] = True
                    order["version"] += 1
                    self.touch(order)
                raise Problem(409, "order_closed", state=order["state"])
            # What was handed over while cut off is a fact.
            if order["state"] not in ("ready", "expired") and "at" not in body:
                raise Problem(409, "not_ready", state=order["state"])
            return self.move(order, "collected", by, body.get("at"))

    def by_code(self, token, code):
        recent = [at for at in self.wrong.get(token, []) if at > now_ms() - 600_000]
        if len(recent) >= 5 and now_ms() < recent[-1] + 300_000:
            raise Problem(429, "locked", retry_after=300)
        for order in self.orders.values():
            if order["code"] == code.upper():
                return order
        self.wrong[token] = recent + [now_ms()]
        raise Problem(422, "wrong_code", attempts_left=4 - len(recent))

    def undo(self, token, order_id):
        with self.lock:
            order = self.find(order_id)
            if order["state"] != "collected":
                raise Problem(409, "step_not_allowed", state=order["state"])
            if now_ms() - order["steps"][-1]["at"] > UNDO_MS:
                raise Problem(409, "undo_too_late")
            return self.move(order, "ready", self.tokens[token]["label"])

    def override(self, token, order_id, body):
        if self.tokens[token]["role"] != "manager":
            raise Problem(404, "not_found")
        with self.lock:
            return self.move(self.find(order_id), body["to"], self.tokens[token]["label"])

    def dismiss(self, order_id):
        with self.lock:
            order = self.find(order_id)
            order.pop("disputed", None)
            order["version"] += 1
            self.touch(order)
            return dict(order)

    def idempotent(self, key, body, make):
        if not key:
            raise Problem(400, "idempotency_key_required")
        with self.lock:
            if key in self.answers:
                old_body, answer = self.answers[key]
                if old_body != body:
                    raise Problem(422, "idempotency_key_reused")
                if isinstance(answer, Problem):
                    raise answer
                return answer
            try:
                answer = make()
            except Problem as problem:
                answer = problem
            self.answers[key] = (body, answer)
        if isinstance(answer, Problem):
            raise answer
        return answer


class Server:
    """Serves a store, and the board's page from `pages` (a running `tote`) or from the sources."""

    def __init__(self, store, pages=None, port=0):
        self.store, self.pages, self.port = store, pages, port
        self.requests = []
        # Set by a test: answers are made but do not arrive.
        self.swallow_answers = False
        self.http = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        server = self

        class Handler(RequestHandler):
            owner = server

        self.connections = set()
        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Takes no connection any more and cuts those that are there."""
        self.http.shutdown()
        self.http.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class RequestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *arguments):
        pass

    def setup(self):
        super().setup()
        self.owner.connections.add(self.connection)

    def finish(self):
        self.owner.connections.discard(self.connection)
        try:
            super().finish()
        except OSError:
            pass

    def do_GET(self):
        self.owner.requests.append(("GET", self.path))
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/board"):
            return self.page(path)
        self.api("GET", {})

    def do_POST(self):
        self.owner.requests.append(("POST", self.path))
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        self.api("POST", json.loads(content) if content else {})

    def page(self, path):
        if self.owner.pages:
            try:
                with urllib.request.urlopen(self.owner.pages + path) as response:
                    headers = [(name, value) for name, value in response.headers.items()
                               if name.lower() not in ("content-length", "connection", "date")]
                    return self.send(response.status, headers, response.read())
            except urllib.error.HTTPError as error:
                return self.send(error.code, [], error.read())
        name = path.split("/")[-1] if path.startswith("/board-assets/") else "board.html"
        file = PAGES / name
        if not file.exists():
            return self.send(404, [], b"")
        csp = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
               "img-src 'self'; worker-src 'self'")
        self.send(200, [("Content-Type", TYPES[name.split(".")[-1]]),
                        ("Content-Security-Policy", csp),
                        ("Service-Worker-Allowed", "/board/")], file.read_bytes())

    def api(self, method, body):
        try:
            status, answer, headers = 200, self.route(method, body), []
        except Problem as problem:
            status, headers = problem.status, []
            answer = {"status": status, "code": problem.code, **problem.members}
            if "retry_after" in problem.members:
                headers.append(("Retry-After", str(problem.members["retry_after"])))
        if self.owner.swallow_answers and method == "POST":
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        headers += [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        self.send(status, headers, json.dumps(answer).encode())

    def route(self, method, body):
        store = self.owner.store
        token = (self.headers.get("Authorization") or "").replace("Bearer ", "", 1)
        if token not in store.tokens:
            raise Problem(401, "invalid_token")
        parts = unquote(urlsplit(self.path).path).strip("/").split("/")
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if parts[:3] != ["v1", "stores", store.name]:
            raise Problem(404, "not_found")
        match method, parts[3:]:
            case "GET", []:
                return {"id": store.name, "currency": "EUR", "late_minutes": [5, 8],
                        "names": {"en": "Harbour Street", "fr": "Rue du Port"},
                        "name_policy": "first", **store.tokens[token]}
            case "GET", ["orders"]:
                states = query.get("state", "placed,confirmed,preparing,ready,expired").split(",")
                return store.poll(token, states, query.get("since"),
                                  min(float(query.get("wait", 0)), 25))
            case "POST", ["handover"]:
                return store.idempotent(self.headers.get("Idempotency-Key"), body,
                                        lambda: store.hand_over(token, body))
            case "POST", ["orders", order_id, "undo"]:
                return store.undo(token, order_id)
            case "POST", ["orders", order_id, "override"]:
                return store.override(token, order_id, body)
            case "POST", ["orders", order_id, "dismiss"]:
                return store.dismiss(order_id)
        raise Problem(404, "not_found")

    def send(self, status, headers, body):
        try:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # Cut off meanwhile.


def some_orders(store):
    """A busy lunch."""
    arrived = {"arrived_at": now_ms(), "spot": "lot 3"}
    cash = [{"kind": "at_counter", "amount": 900}]
    for code, name, age, members in [
            ("K4X7", "Ada", 0, {}), ("TQ3R", "Björn", 2, {}), ("9WAE", "Chloé", 6, arrived),
            ("M7DC", "Dev", 11, {"tenders": cash})]:
        store.place(code, "ready", age, name=name, **members)
    for code, name, age, members in [
            ("HJ6L", "Émile", 1, {}), ("43PU", "Farah", 3, {"tenders": cash}),
            ("VN9X", "Goran", 6, {}), ("FYK4", "Hana", 9, {}), ("R7QE", "Ines", 2, {})]:
        store.place(code, "preparing", age, name=name, **members)


if __name__ == "__main__":
    demo = Server(Store(), os.environ.get("TOTE_BOARD_PAGES"),
                  int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    some_orders(demo.store)
    demo.start()
    print(demo.url + "/board/" + demo.store.name, flush=True)
    threading.Event().wait()
