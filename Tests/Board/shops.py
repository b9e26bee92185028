"""The shops that the board is tested in: a fake one, or a real server.

A real one is taken when TOTE_BOARD_URL is set. Then TOTE_BOARD_TOKEN and TOTE_BOARD_STORE are its
counter's, TOTE_BOARD_PLACE is a command that places an order there and prints its id, and, where the
tests shall cut the board off, TOTE_BOARD_STOP and TOTE_BOARD_START are commands too.
"""
import json
import os
import shlex
import subprocess
import urllib.request

from fake_store import Server, Store, now_ms


class FakeShop:
    can_stop = True
    is_fake = True

    def __init__(self):
        self.store = Store()
        self.server = Server(self.store, os.environ.get("TOTE_BOARD_PAGES"))
        self.server.start()
        self.token, self.name = "till-1-token", self.store.name
        self.is_running = True

    @property
    def url(self):
        return self.server.url

    def place(self, state="ready", **members):
        return self.store.place(state=state, **members)

    def step(self, order, to):
        self.store.step(order["id"], to)

    def state(self, order):
        return self.store.order(order["id"])["state"]

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


class RealShop:
    is_fake = False

    def __init__(self):
        environment = os.environ
        self.url = environment["TOTE_BOARD_URL"]
        self.token = environment["TOTE_BOARD_TOKEN"]
        self.name = environment["TOTE_BOARD_STORE"]
        self.commands = {name: shlex.split(environment.get("TOTE_BOARD_" + name, ""))
                         for name in ("PLACE", "STOP", "START")}
        self.can_stop = bool(self.commands["STOP"] and self.commands["START"])
        self.keys = 0

    def ask(self, method, path, body=None, headers=()):
        request = urllib.request.Request(
            f"{self.url}/v1/stores/{self.name}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + self.token, "Content-Type": "application/json",
                     **dict(headers)})
        with urllib.request.urlopen(request) as response:
            return json.load(response)

    def run(self, name):
        return subprocess.run(self.commands[name], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()

    def key(self):
        self.keys += 1
        return f"board-test-{os.getpid()}-{self.keys}"

    def find(self, order_id):
        """Open orders come in the answer; others only as an id and a state."""
        states = "placed,confirmed,preparing,ready,expired,collected,cancelled,declined"
        orders = self.ask("GET", "/orders?state=" + states)["orders"]
        return next(order for order in orders if order["id"] == order_id)

    def place(self, state="ready", **members):
        order = self.find(self.run("PLACE"))
        for to in {"placed": [], "preparing": ["preparing"],
                   "ready": ["preparing", "ready"]}[state]:
            self.step(order, to)
        return self.find(order["id"])

    def step(self, order, to):
        version = self.find(order["id"])["version"]
        self.ask("POST", f"/orders/{order['id']}/steps", {"to": to},
                 {"If-Match": f'"{version}"', "Idempotency-Key": self.key()})

    def state(self, order):
        return self.find(order["id"])["state"]

    def collect(self, order, minutes_ago=0):
        self.ask("POST", "/handover", {"order": order["id"]}, {"Idempotency-Key": self.key()})

    def stop(self):
        self.run("STOP")

    def start(self):
        self.run("START")

    def close(self):
        pass


def open_shop():
    return RealShop() if os.environ.get("TOTE_BOARD_URL") else FakeShop()
