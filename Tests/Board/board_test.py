#!/usr/bin/env python3
"""The pickup board in headless Chromium. Needs Chromium, its driver, and `pip install selenium`.

`python3 board_test.py [NAME…]` tests against a fake shop, or a real one where TOTE_BOARD_TOTE is the
program `tote` (shops.py). The fake one's page comes from TOTE_BOARD_PAGES, a running `tote`, or else
from the sources. TOTE_BOARD_PICTURES names a
folder for screenshots.
"""
import json
import os
import sys
import time
import unittest

from browser import Board, Keys, open_chromium
from shops import open_shop

IS_REAL = bool(os.environ.get("TOTE_BOARD_TOTE"))
needs_fake = unittest.skipIf(IS_REAL, "needs what only the fake shop can do")


class BoardTest(unittest.TestCase):
    driver = None

    @classmethod
    def setUpClass(cls):
        if BoardTest.driver is None:
            BoardTest.driver = open_chromium()

    def setUp(self):
        self.shop = open_shop()
        self.board = Board(self.driver, self.shop)

    def tearDown(self):
        try:
            self.board.unplug(False)
            if self.driver.current_url.startswith("http"):
                self.assertEqual(self.board.script("return lies"), [])
                self.assertEqual(self.board.script("return refusedByPolicy"), [])
                self.assertEqual(self.board.script("return faults"), [])
        finally:
            self.board.close()
            self.shop.close()

    def wait_for_state(self, order, state):
        self.board.wait_for(lambda: self.shop.state(order) == state, f"{order['code']} {state}")

    def unplug(self):
        self.board.unplug(True)
        self.board.wait_for(lambda: self.board.level == "late", "two missed polls")

    def cut_off(self):
        self.shop.stop()
        self.board.wait_for(lambda: self.board.level == "late", "two missed polls")


class SignIn(BoardTest):
    def test_the_token_opens_the_board_and_stays_out_of_addresses(self):
        self.board.open()
        self.board.picture("sign-in")
        self.board.type_token(self.shop.token)
        self.board.wait_for(lambda: self.board.level == "live", "live")
        self.assertEqual(self.driver.current_url, f"{self.shop.url}/board/{self.shop.name}")
        addresses = self.board.script(
            "return performance.getEntries().map((one) => one.name).concat(document.referrer)")
        self.assertFalse([one for one in addresses if self.shop.token in one])
        self.assertNotIn(self.shop.token, self.board.script(
            "return JSON.stringify(localStorage) + document.cookie + document.body.innerHTML"))
        self.driver.refresh()
        self.board.wait_for(lambda: self.board.level == "live", "live after a reload")
        self.board.click("[aria-controls=screen-panel]")
        self.board.click("[data-do=sign-out]")
        self.driver.refresh()
        self.assertTrue(self.board.one("#token").is_displayed())

    def test_a_wrong_token_is_told(self):
        self.board.open()
        self.board.type_token("nonsense")
        self.board.wait_for_text("not valid", "#sign-in-error")

    @needs_fake
    def test_a_revoked_token_ends_the_session_and_takes_the_orders_away(self):
        order = self.shop.place()
        self.board.open_signed_in()
        self.board.wait_for(lambda: order["code"] in self.board.codes("ready"), "the order")
        self.shop.store.tokens.pop(self.shop.token)
        self.shop.place()
        self.board.wait_for_text("not valid", "#sign-in-error")
        self.assertNotIn(order["code"], self.board.script("return document.body.innerHTML"))


class Live(BoardTest):
    def test_orders_come_and_move_by_themselves(self):
        self.board.open_signed_in()
        self.board.wait_for_text("No orders", ".column.ready")
        order = self.shop.place("preparing")
        self.board.wait_for(
            lambda: order["code"] in self.board.codes("preparing"), "in preparation", 5)
        self.shop.step(order, "ready")
        self.board.wait_for(lambda: order["code"] in self.board.codes("ready"), "ready", 5)
        self.assertNotIn(order["code"], self.board.codes("preparing"))
        self.board.wait_for_text(" ".join(order["code"]) + " is ready", "#announce")
        newer = self.shop.place("ready")
        self.board.wait_for(lambda: newer["code"] in self.board.codes("ready"), "the newer", 5)
        self.assertEqual(self.board.codes("ready")[0], newer["code"])
        self.shop.step(order, "cancelled")
        self.board.wait_for(lambda: order["code"] not in self.board.codes("ready"), "gone", 5)

    def test_the_chime_sounds_only_when_it_was_asked_for(self):
        self.board.open_signed_in()
        self.assertEqual(self.board.text("#sound"), "Tap to enable sound")
        first = self.shop.place()
        self.board.wait_for(lambda: first["code"] in self.board.codes("ready"), "the first")
        self.assertEqual(self.board.script("return tones"), 0)
        self.board.click("#sound")
        self.board.wait_for_text("Sound on", "#sound")
        before = self.board.script("return tones")
        second = self.shop.place()
        self.board.wait_for(lambda: second["code"] in self.board.codes("ready"), "the second")
        self.assertGreater(self.board.script("return tones"), before)

    @needs_fake
    def test_age_is_told_by_colour_icon_and_word(self):
        codes = {"K4X7": (1, "ready"), "TQ3R": (6, "waiting"), "M7DC": (9, "waiting long")}
        for code, (age, _) in codes.items():
            self.shop.place("ready", code=code, age_minutes=age)
        self.board.open_signed_in()
        looks = set()
        for code, (age, word) in codes.items():
            pill = self.board.ticket(code).find_element("css selector", ".pill")
            self.assertEqual(pill.text, f"{word} · {age} min")
            path = pill.find_element("css selector", "path").get_attribute("d")
            looks.add((pill.value_of_css_property("background-color"), path))
        self.assertEqual(len({colour for colour, _ in looks}), 3)
        self.assertEqual(len({path for _, path in looks}), 3)

    @needs_fake
    def test_a_cursor_that_is_not_known_any_more_brings_everything_anew(self):
        first, second = self.shop.place(), self.shop.place()
        self.board.open_signed_in()
        self.shop.store.orders.pop(first["id"])
        self.shop.store.forget_cursors()
        self.board.wait_for(
            lambda: self.board.codes("ready") == [second["code"]], "the snapshot in its place")

    @needs_fake
    def test_what_a_customer_writes_is_text(self):
        self.shop.place(name="<img src=x onerror=document.title=1>")
        self.board.open_signed_in()
        self.board.wait_for_text("<img src=x", "#ready")
        self.assertEqual(self.board.all("#board img"), [])

    def test_a_wall_shows_no_contents_and_cannot_be_tapped(self):
        for _ in range(14):
            self.shop.place(name="Ada")
        self.board.open_signed_in()
        self.board.click("[aria-controls=screen-panel]")
        self.board.click("[value=wall]")
        self.board.press(Keys.ESCAPE)
        self.board.wait_for(lambda: self.board.all(".ticket button") == [], "nothing to tap")
        self.assertNotIn("Latte", self.board.text("#ready"))
        self.assertFalse(self.board.one("#code").is_displayed())
        # More than fits: pages turn by themselves, and can be stopped.
        self.board.wait_for(lambda: self.board.script(
            "return document.getElementById('ready').scrollTop") > 0, "the second page")
        self.board.click(".ready [data-do=pause]")
        self.board.wait_for_text("Turn pages", ".ready [data-do=pause]")
        self.board.picture("wall-full")


class HandOver(BoardTest):
    def test_a_tap_hands_over_and_can_be_undone(self):
        order = self.shop.place()
        self.board.open_signed_in()
        self.board.tap(order["code"])
        self.board.wait_for_text(order["code"] + " handed over", "#said")
        self.assertEqual(self.shop.state(order), "collected")
        self.assertNotIn(order["code"], self.board.codes("ready"))
        self.board.click("#toast [data-do=undo]")
        self.wait_for_state(order, "ready")
        self.board.wait_for(lambda: order["code"] in self.board.codes("ready"), "back")

    def test_a_typed_code_hands_over(self):
        order = self.shop.place()
        self.board.open_signed_in()
        self.board.type_code(order["code"].lower())
        self.wait_for_state(order, "collected")
        self.board.wait_for_text(order["code"] + " handed over", "#said")

    def test_a_scan_hands_over_wherever_the_focus_is(self):
        orders = [self.shop.place() for _ in range(3)]
        self.board.open_signed_in()
        self.board.wait_for(lambda: len(self.board.codes("ready")) >= 3, "three")
        # On a button that Enter would press.
        self.board.script("document.querySelector('header [data-do=language]').focus()")
        self.board.scan(orders[0]["code"])
        self.wait_for_state(orders[0], "collected")
        self.assertEqual(self.board.script("return document.documentElement.lang"), "en")
        # Nowhere.
        self.board.script("document.activeElement.blur()")
        self.board.scan(orders[1]["code"])
        self.wait_for_state(orders[1], "collected")
        # Behind something that was half typed.
        self.board.one("#code").send_keys("9")
        time.sleep(0.3)
        self.board.scan(orders[2]["id"])
        self.wait_for_state(orders[2], "collected")

    def test_a_second_hand_over_is_told_who_and_when(self):
        order = self.shop.place()
        self.board.open_signed_in()
        self.shop.collect(order)
        self.board.wait_for(lambda: order["code"] not in self.board.codes("ready"), "gone")
        self.board.type_code(order["code"])
        self.board.wait_for_text("was already handed over by", "#failed")
        self.assertRegex(self.board.text("#failed"), r"by \S+ at \d?\d:\d\d")
        self.board.picture("already-collected")

    def test_an_order_in_preparation_is_not_handed_over(self):
        order = self.shop.place("preparing")
        self.board.open_signed_in()
        self.board.type_code(order["code"])
        self.board.wait_for_text("still in preparation", "#failed")

    @needs_fake
    def test_a_wrong_code_says_how_many_attempts_are_left_and_then_locks(self):
        self.board.open_signed_in()
        for left in ["4 attempts", "3 attempts", "2 attempts", "1 attempt ", "0 attempts"]:
            self.board.type_code("9999")
            self.board.wait_for_text(f"Wrong code. {left}".strip(), "#failed")
        self.board.type_code("9999")
        self.board.wait_for_text("Locked for 05:00", "#failed")
        asked = len(self.shop.server.requests)
        self.board.type_code("9999")
        self.board.wait_for_text("Locked for 04:5", "#failed")
        asked = self.shop.server.requests[asked:]
        self.assertFalse([path for _, path in asked if path.endswith("handover")])
        # What the board shows can be handed over all the same.
        order = self.shop.place()
        self.board.wait_for(lambda: order["code"] in self.board.codes("ready"), "an order")
        self.board.type_code(order["code"])
        self.wait_for_state(order, "collected")

    @needs_fake
    def test_what_was_collected_can_be_restored_from_the_list_for_a_minute(self):
        late, recent, gone = self.shop.place(), self.shop.place(), self.shop.place()
        self.board.open_signed_in()
        self.shop.collect(late, minutes_ago=2)
        self.board.tap(recent["code"])
        self.wait_for_state(recent, "collected")
        self.shop.step(gone, "expired")
        self.board.wait_for_text("(3)", "#recent-button")
        self.board.click("#recent-button")
        # Nobody came is something else than collected.
        self.assertIn("timed out", self.board.text(".past.expired"))
        self.assertEqual(self.board.all(".past.expired button"), [])
        self.board.picture("recent")
        self.board.click(f"[data-id='{recent['id']}'] [data-do=restore]")
        self.wait_for_state(recent, "ready")
        self.board.click(f"[data-id='{late['id']}'] [data-do=restore]")
        self.board.wait_for_text("Too late to undo", "#failed")
        self.assertEqual(self.shop.state(late), "collected")
        self.board.pass_time(61)
        self.board.wait_for(lambda: not self.board.all(
            f"[data-id='{late['id']}'] button:not([disabled])"), "no restore any more")

    def test_a_manager_restores_later(self):
        order = self.shop.place()
        self.shop.token = self.shop.manager_token
        self.board.open_signed_in()
        self.board.tap(order["code"])
        self.wait_for_state(order, "collected")
        self.board.click("#recent-button")
        self.board.pass_time(90)
        self.board.click(f"[data-id='{order['id']}'] [data-do=restore]")
        self.wait_for_state(order, "ready")
        # The browser notes a request when its answer is in, which is after the shop took it.
        self.board.wait_for(lambda: self.board.script(
            "return performance.getEntries().some((one) => one.name.endsWith('/override'))"),
            "the request that only a manager may make")


class CutOff(BoardTest):
    def test_the_board_says_how_old_it_is_and_never_that_there_are_no_orders(self):
        self.board.open_signed_in()
        self.assertRegex(self.board.text("#live"), r"live · \d+ s")
        started = time.monotonic()
        self.cut_off()
        self.assertLess(time.monotonic() - started, 10)
        self.assertIn("last update 00:0", self.board.text("#live"))
        self.assertFalse(self.board.one("#banner").is_displayed())
        self.board.pass_time(50)
        self.board.wait_for_text("last update 00:5", "#live")
        self.board.pass_time(10)
        self.board.wait_for_text("Not connected", "#banner")
        self.assertTrue(self.board.one("#banner").is_displayed())
        width = self.board.script("return document.getElementById('banner').offsetWidth")
        self.assertEqual(width, 1920)
        self.assertIn("Cannot know", self.board.text(".column.ready"))
        self.board.click("header [data-do=language]")
        self.board.wait_for_text("Hors connexion", "#banner")
        self.board.picture("stale-french-empty")
        self.shop.start()
        self.board.wait_for(lambda: self.board.level == "live", "live again")
        self.assertFalse(self.board.one("#banner").is_displayed())
        # tearDown looks at what was said meanwhile.

    def test_a_tablet_that_slept_does_not_take_old_data_for_new(self):
        self.board.open_signed_in()
        self.board.script("const now = Date.now; Date.now = () => now() + 3600000")
        self.board.wait_for(lambda: self.board.level == "stale", "the age of an hour")

    def test_hand_overs_are_queued_marked_kept_over_a_reload_and_sent(self):
        first, second = self.shop.place(name="Ada Lovelace"), self.shop.place()
        self.board.open_signed_in()
        self.board.wait_for(lambda: first["code"] in self.board.codes("ready"), "the order")
        self.cut_off()
        self.board.tap(first["code"])
        self.board.wait_for_text("1 hand-over not sent", "#unsent")
        self.board.type_code(second["code"])
        self.board.wait_for_text("2 hand-overs not sent", "#unsent")
        self.assertIn("not sent", self.board.ticket(first["code"]).text)
        # One is taken back before it was ever sent.
        self.board.click("#toast [data-do=undo]")
        self.board.wait_for_text("1 hand-over not sent", "#unsent")
        kept = self.board.script("return JSON.stringify(localStorage)")
        self.assertIn(first["id"], kept)
        for secret in ["Ada", "Lovelace", "atte", self.shop.token]:
            self.assertNotIn(secret, kept)
        # The page comes up without its server, and without the customer's name.
        self.driver.refresh()
        self.board.wait_for_text("1 hand-over not sent", "#unsent")
        self.assertIn("not sent", self.board.ticket(first["code"]).text)
        self.board.picture("reload-cut-off")
        self.shop.start()
        self.wait_for_state(first, "collected")
        self.board.wait_for(lambda: not self.board.one("#unsent").is_displayed(), "none waits")
        self.assertEqual(self.shop.state(second), "ready")
        self.assertEqual(self.board.script(
            f"return localStorage['tote-board:{self.shop.name}:queue']"), "[]")

    def test_what_became_ready_meanwhile_is_handed_over_by_its_code(self):
        order = self.shop.place("preparing")
        self.board.open_signed_in()
        self.board.wait_for(lambda: order["code"] in self.board.codes("preparing"), "the order")
        self.cut_off()
        self.board.type_code(order["code"])
        self.board.wait_for_text("1 hand-over not sent", "#unsent")
        self.assertIn("not sent", self.board.ticket(order["code"]).text)
        self.shop.start()
        self.wait_for_state(order, "collected")

    def test_a_code_that_is_not_shown_cannot_be_handed_over_while_cut_off(self):
        self.board.open_signed_in()
        self.cut_off()
        self.board.type_code("9999")
        self.board.wait_for_text("cannot be checked", "#failed")

    def test_an_order_handed_over_twice_while_cut_off_is_told(self):
        order = self.shop.place()
        self.board.open_signed_in()
        self.unplug()
        self.board.tap(order["code"])
        self.shop.collect(order)
        self.board.unplug(False)
        self.board.wait_for_text("and before by till-2", "#alarms")
        self.driver.refresh()
        self.board.wait_for_text("and before by till-2", "#alarms")
        self.board.click("#alarms button")
        self.board.wait_for(lambda: self.board.text("#alarms") == "", "understood")

    def test_a_dispute_alarms_every_board_until_it_is_dismissed(self):
        order = self.shop.place()
        self.board.open_signed_in()
        self.unplug()
        self.board.tap(order["code"])
        self.shop.step(order, "cancelled")
        self.board.unplug(False)
        words = f"{order['code']} was handed over but had been cancelled"
        self.board.wait_for_text(words, "#alarms")
        self.board.picture("dispute")
        # A board that has nothing to do with it.
        self.board.script("localStorage.clear(); sessionStorage.clear()")
        self.shop.token = self.shop.other_token
        self.board.open_signed_in()
        self.board.wait_for_text(words, "#alarms")
        self.board.click("#alarms button")
        self.board.wait_for(lambda: self.board.text("#alarms") == "", "dismissed")
        self.assertNotIn("disputed", self.shop.find(order["id"]))
        self.driver.refresh()
        self.board.wait_for(lambda: self.board.level == "live", "live")
        self.assertEqual(self.board.text("#alarms"), "")

    @needs_fake
    def test_an_answer_that_is_lost_is_asked_for_again_under_the_same_key(self):
        order, undone = self.shop.place(), self.shop.place()
        self.board.open_signed_in()
        self.shop.server.swallow_answers = True
        self.board.tap(order["code"])
        self.board.wait_for_text("1 hand-over not sent", "#unsent")
        self.board.tap(undone["code"])
        self.board.wait_for_text("2 hand-overs not sent", "#unsent")
        self.assertEqual(self.shop.state(undone), "collected")
        self.board.click("#toast [data-do=undo]")
        self.board.wait_for(lambda: '"undo":true' in self.board.script(
            f"return localStorage['tote-board:{self.shop.name}:queue']"), "undone here")
        self.shop.server.swallow_answers = False
        self.shop.place()  # Something to poll for.
        self.board.wait_for(lambda: not self.board.one("#unsent").is_displayed(), "none waits")
        self.wait_for_state(undone, "ready")
        steps = [step["state"] for step in self.shop.store.order(order["id"])["steps"]]
        self.assertEqual(steps.count("collected"), 1)


class Access(BoardTest):
    def test_everything_is_said_in_french_too_and_stays_so(self):
        self.shop.place("preparing")
        order = self.shop.place()
        self.board.open_signed_in()
        self.board.wait_for(lambda: order["code"] in self.board.codes("ready"), "the order")
        english = self.fixed_texts()
        self.board.click("header [data-do=language]")
        self.assertEqual(self.board.script("return document.documentElement.lang"), "fr")
        french = self.fixed_texts()
        same = {text for text in english if text in french}
        self.assertLessEqual(same, {"Code"})
        for words in ["En préparation", "Prêtes", "prête · 0\u00a0min", "en direct"]:
            self.board.wait_for_text(words, "#board")
        self.board.picture("french")
        self.board.tap(order["code"])
        self.board.wait_for_text(order["code"] + " remise", "#said")
        self.driver.refresh()
        self.board.wait_for_text("En préparation", "#board")

    def fixed_texts(self):
        return self.board.script("return Array.from(document.querySelectorAll("
                                 "'[data-text], .pill, #live-text, #sound, #recent-button'), "
                                 "(one) => one.textContent.replace(/ [\\d]+ s$/, ''))")

    def test_both_languages_have_the_same_texts(self):
        self.board.open()
        texts = self.board.script("return TEXTS")
        self.assertEqual(texts["en"].keys(), texts["fr"].keys())
        self.assertEqual(texts["en"]["states"].keys(), texts["fr"]["states"].keys())
        for key, english in texts["en"].items():
            for one in [english] if isinstance(english, str) else []:
                names = sorted(word for word in json.dumps(one).split("{")[1:])
                self.assertEqual(
                    [word.split("}")[0] for word in names],
                    [word.split("}")[0] for word in sorted(texts["fr"][key].split("{")[1:])], key)

    def test_the_keyboard_alone_is_enough(self):
        order = self.shop.place()
        self.board.open()
        self.board.press(self.shop.token, Keys.ENTER)
        self.board.wait_for(lambda: order["code"] in self.board.codes("ready"), "signed in")
        self.board.tab_to(f"it.matches('.face') && it.textContent.includes('{order['code']}')")
        self.assertNotEqual(self.board.script(
            "return getComputedStyle(document.activeElement).outlineStyle"), "none")
        self.board.press(Keys.ENTER)
        self.wait_for_state(order, "collected")
        self.board.tab_to("it.dataset.do === 'undo'")
        self.board.press(Keys.SPACE)
        self.wait_for_state(order, "ready")
        self.board.tab_to("it.id === 'recent-button'")
        self.board.press(Keys.ENTER)
        self.assertIn("close", self.board.focused("outerHTML"))
        self.board.press(Keys.ESCAPE)
        self.assertEqual(self.board.focused("id"), "recent-button")
        # A list that changes does not take the focus away.
        self.board.tab_to(f"it.matches('.face') && it.textContent.includes('{order['code']}')")
        newer = self.shop.place()
        self.board.wait_for(lambda: newer["code"] in self.board.codes("ready"), "the newer")
        self.assertIn(order["code"], self.board.focused("textContent"))
        self.shop.collect(order)
        self.board.wait_for(lambda: order["code"] not in self.board.codes("ready"), "gone")
        self.assertIn(newer["code"], self.board.focused("textContent"))

    @needs_fake
    def test_every_text_has_a_contrast_of_seven_to_one(self):
        for age in [0, 6, 12]:
            self.shop.place("ready", age_minutes=age, name="Ada", arrived_at=1, spot="lot 3",
                            tenders=[{"kind": "at_counter", "amount": 900}])
            self.shop.place("preparing", age_minutes=age, name="Ada")
        order = self.shop.place()
        self.board.motion("reduce")
        self.board.open()
        self.board.type_token("nonsense")
        self.board.wait_for_text("not valid", "#sign-in-error")
        self.check_contrast("sign-in")
        self.board.type_token(self.shop.token)
        self.board.wait_for(lambda: self.board.level == "live", "live")
        self.check_contrast("live")
        self.board.type_code("99")
        self.check_contrast("a failure")
        self.board.tap(order["code"])
        self.board.wait_for_text("handed over", "#said")
        self.board.click("#recent-button")
        self.check_contrast("recent")
        self.board.press(Keys.ESCAPE)
        self.board.click("[aria-controls=screen-panel]")
        self.check_contrast("this screen")
        self.board.press(Keys.ESCAPE)
        self.cut_off()
        disputed = self.board.codes("ready")[0]
        self.board.tap(disputed)
        self.check_contrast("late")
        self.board.pass_time(61)
        self.board.wait_for_text("Not connected", "#banner")
        self.check_contrast("stale")
        self.board.picture("stale")
        found = next(one for one in self.shop.store.orders.values() if one["code"] == disputed)
        self.shop.step(found, "cancelled")
        self.shop.start()
        self.board.wait_for_text("had been cancelled", "#alarms")
        self.check_contrast("disputed")
        self.board.click("[aria-controls=screen-panel]")
        self.board.click("[value=wall]")
        self.board.press(Keys.ESCAPE)
        self.check_contrast("wall")

    def check_contrast(self, when):
        found = self.board.probe("contrasts()")
        self.assertGreater(len(found), 5)
        low = [one for one in found if one["ratio"] < 7]
        self.assertEqual(low, [], when)

    @needs_fake
    def test_codes_are_large_and_nothing_sticks_out_on_any_screen(self):
        for age, name in enumerate(["Ada", "Maximiliane-Alexandra", "Bo", None, "Chloé"]):
            self.shop.place("ready", age_minutes=3 * age, code="WMQG"[age % 4] * 4, name=name,
                            tenders=[{"kind": "at_counter", "amount": 123456}])
            self.shop.place("preparing", age_minutes=2 * age, name=name)
        self.board.open_signed_in()
        for language in ["en", "fr"]:
            for width, height in [(1920, 1080), (1280, 800), (1080, 1920), (800, 1280),
                                  (960, 540), (640, 400), (320, 640)]:
                self.board.size(width, height)
                where = f"{language} {width}x{height}"
                self.assertEqual(self.board.probe("sticksOut()"), [], where)
                self.assertEqual(self.board.script(
                    "return document.documentElement.scrollWidth"), width, where)
                self.assertEqual(self.board.probe("smallTargets()"), [], where)
                high = self.board.probe("capitalHeight(document.querySelector('.ticket .code'))")
                self.assertGreaterEqual(high, 0.09 * min(width, height), where)
                self.board.picture(f"{language}-{width}x{height}")
            self.board.click("header [data-do=language]")

    def test_nothing_moves_for_those_who_asked_for_that(self):
        for motion, moves in [("no-preference", True), ("reduce", False)]:
            self.board.motion(motion)
            self.board.open_signed_in()
            order = self.shop.place()
            self.board.wait_for(lambda: order["code"] in self.board.codes("ready"), "the order")
            names = self.board.script(
                "return Array.from(document.querySelectorAll('*'), (one) => getComputedStyle(one))"
                ".filter((style) => style.animationName !== 'none'"
                " || style.transitionDuration !== '0s').length")
            self.assertEqual(names > 0, moves, motion)
            self.board.script("sessionStorage.clear()")


if __name__ == "__main__":
    try:
        program = unittest.main(exit=False, verbosity=2)
    finally:
        if BoardTest.driver is not None:
            BoardTest.driver.quit()
    sys.exit(not program.result.wasSuccessful())
