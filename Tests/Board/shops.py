"""The shops that the board is tested in: a fake one, or a real server.

Where TOTE_BOARD_TOTE names the program `tote`, each test has one of its own, with a catalogue and
two counters; orders are placed and stepped over the API. Only the fake one can lose answers and have
orders that are older than the test.
"""
import http.client
import json
import os
import socket
import subprocess
import tempfile
import urllib.request

from fake_store import Server, Store, now_ms


class FakeShop:
    is_fake = True

    def __init__(self):
        self.store = Store()
        self.server = Server(self.store, os.environ.get("TOTE_BOARD_PAGES"))
        self.server.start()
        self.token, self.other_token = "till-1-token", "till-2-token"
        self.manager_token, self.name = "manager-token", self.store.name
        self.is_running = True

    @property
    def url(self):
        return self.server.url

    def place(self, state="ready", **members):
        return self.store.place(state=state, **members)

    def step(self, order, to):
        self.store.step(order["id"], to)

    def find(self, order_id):
        return self.store.order(order_id)

    def state(self, order):
        return self.find(order["id"])["state"]

    def collect(self, order, minutes_ago=0):
        """Another counter hands it over."""
        self.store.step(order["id"], "collected", by="till-2", at=now_ms() - minutes_ago * 60_000)

    def stop(self):
        if self.is_running:
            self.server.stop()
        self.is_running = False

    def start(self):
        self.server.start()
        self.is_running = True

    def close(self):
        self.stop()


class LocalConnection(http.client.HTTPConnection):
    """To the operator's socket."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class RealShop:
    """A `tote` of its own, on a directory and a port of its own."""

    is_fake = False

    def __init__(self):
        self.program = os.environ["TOTE_BOARD_TOTE"]
        self.directory = tempfile.TemporaryDirectory(prefix="tote-board-")
        self.data = self.directory.name + "/data"
        self.port, self.process, self.count = 0, None, 0
        self.name = "s-17"
        self.start()
        at = now_ms()
        self.operate("/v1/admin/catalog", {
            "groups": [{"id": "size", "names": {"en": "Size"}, "min": 1, "max": 1, "choices": [
                {"id": "L", "names": {"en": "Large", "fr": "Grand"}, "price": {"EUR": 50}}]}],
            "products": [{"sku": "latte", "names": {"en": "Latte", "fr": "Café au lait"},
                          "tax": "food", "groups": ["size"], "price": {"EUR": 400}}],
            "stores": [{
                "id": self.name, "names": {"en": "Harbour Street", "fr": "Rue du Port"},
                "currency": "EUR", "tax_included": True, "taxes": {"food": 55000},
                "open": [[at - 86_400_000, at + 864_000_000]], "preparation_minutes": 10,
                "slot_minutes": 10, "slot_capacity": 100, "expire_minutes": 120, "sold_out": [],
                "late_minutes": [5, 8], "name_policy": "first"}]})
        self.token, self.other_token = [
            self.mint("store:" + self.name, role="staff", label=label)
            for label in ("till-1", "till-2")]
        self.manager_token = self.mint("store:" + self.name, role="manager", label="Grace")

    def operate(self, path, body):
        connection = LocalConnection(self.data + "/operator.sock")
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.load(response)
        if response.status >= 300:
            raise RuntimeError(f"{path}: {answer}")
        return answer

    def mint(self, space, **members):
        return self.operate(
            "/v1/admin/tokens", {"spaces": [{"space": space}], **members})["token"]

    def ask(self, method, path, body=None, token=None, headers=()):
        request = urllib.request.Request(
            self.url + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + (token or self.token),
                     "Content-Type": "application/json", "Accept": "application/json",
                     **dict(headers)})
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def ask_store(self, method, path, body=None, **options):
        return self.ask(method, f"/v1/stores/{self.name}{path}", body, **options)

    def find(self, order_id):
        states = "placed,confirmed,preparing,ready,expired,collected,cancelled,declined"
        orders = self.ask_store("GET", "/orders?state=" + states)["orders"]
        return next(order for order in orders if order["id"] == order_id)

    def place(self, state="ready", name="Ada"):
        """A customer's device orders, then the kitchen goes on with it."""
        self.count += 1
        customer, order_id = f"customer:c-{self.count}", "%032x" % (2**64 + self.count)
        intent = {
            "kind": "place", "order": order_id, "store": self.name, "cart": "main",
            "lines": [{"item": "latte|size=L", "quantity": 2, "price": 450}],
            "currency": "EUR", "total": 900, "catalog": 1, "name": name,
            "tenders": [{"kind": "at_counter", "amount": 900}]}
        reply = self.ask("POST", f"/v1/spaces/{customer}/sync", {
            "replica": "%016x" % (1000 + self.count), "counter": 1, "changes": [
                {"nonce": "%016x" % self.count, "time": [now_ms(), 0], "intent": intent}],
        }, token=self.mint(customer))
        if not isinstance(reply["fates"][0], int):
            raise RuntimeError(f"not placed: {reply['fates']}")
        order = {"id": order_id}
        for to in {"placed": [], "preparing": ["preparing"],
                   "ready": ["preparing", "ready"]}[state]:
            self.step(order, to)
        return self.find(order_id)

    def key(self):
        self.count += 1
        return f"board-test-{self.count}"

    def step(self, order, to):
        version = self.find(order["id"])["version"]
        self.ask_store("POST", f"/orders/{order['id']}/steps", {"to": to}, headers={
            "If-Match": f'"{version}"', "Idempotency-Key": self.key()})

    def state(self, order):
        return self.find(order["id"])["state"]

    def collect(self, order):
        self.ask_store("POST", "/handover", {"order": order["id"]}, token=self.other_token,
                       headers={"Idempotency-Key": self.key()})

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
             "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.port = int(self.url.split(":")[-1])

    def close(self):
        if self.process.poll() is None:
            self.stop()
        self.directory.cleanup()


def open_shop():
    return RealShop() if os.environ.get("TOTE_BOARD_TOTE") else FakeShop()
