"""A headless Chromium with the board in it, in the words of somebody who stands before it."""
import os
import shutil
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

HERE = Path(__file__).resolve().parent
PATIENCE_S = 15


def open_chromium():
    options = webdriver.ChromeOptions()
    for argument in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--lang=en",
                     "--hide-scrollbars", "--force-device-scale-factor=1"]:
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium")
    driver = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument",
                           {"source": (HERE / "before_page.js").read_text()})
    return driver


class Board:
    """The board of a shop in a window of its own."""

    def __init__(self, driver, shop):
        self.driver, self.shop = driver, shop
        self.size(1920, 1080)
        self.motion("no-preference")

    # The window

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def motion(self, value):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-reduced-motion", "value": value}]})

    def open(self):
        self.driver.get(f"{self.shop.url}/board/{self.shop.name}")

    def open_signed_in(self):
        self.open()
        self.type_token(self.shop.token)
        self.wait_for(lambda: self.level == "live", "live")

    def close(self):
        # The next test has another origin; a page left open would go on polling.
        self.driver.get("about:blank")

    def picture(self, name):
        folder = os.environ.get("TOTE_BOARD_PICTURES")
        if folder:
            self.driver.save_screenshot(str(Path(folder) / (name + ".png")))

    def script(self, code, *arguments):
        return self.driver.execute_script(code, *arguments)

    def probe(self, call):
        self.script((HERE / "page_probe.js").read_text())
        return self.script("return probe." + call)

    def unplug(self, is_off):
        """Cuts this window off; the shop goes on."""
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": is_off, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})

    def pass_time(self, seconds):
        self.script("skewMs += arguments[0]", seconds * 1000)

    # What is seen

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector="body"):
        return self.script("const found = document.querySelector(arguments[0]);"
                           "return found ? found.innerText : ''", selector)

    def codes(self, column):
        return self.script("return Array.from(document.querySelectorAll(arguments[0]),"
                           "(code) => code.textContent)", f"#{column} .code")

    def ticket(self, code):
        for item in self.all(".ticket"):
            if item.find_element(By.CLASS_NAME, "code").text == code:
                return item
        raise AssertionError(f"no ticket {code} in {self.codes('ready')}")

    @property
    def level(self):
        return self.script("return document.body.dataset.level")

    def wait_for(self, condition, what, seconds=PATIENCE_S):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if condition():
                    return
            except Exception as error:  # An element that was just replaced.
                if "stale" not in str(error) and "no ticket" not in str(error):
                    raise
            time.sleep(0.05)
        raise AssertionError(f"never: {what}\n{self.text()}")

    def wait_for_text(self, words, selector="body", seconds=PATIENCE_S):
        self.wait_for(lambda: words in self.text(selector), f"{words!r} in {selector}", seconds)

    # What is done

    def type_token(self, token):
        field = self.one("#token")
        # The form shows once the page has looked for a token of its own.
        self.wait_for(field.is_displayed, "the form to sign in")
        field.clear()
        field.send_keys(token + Keys.ENTER)

    def click(self, selector):
        self.one(selector).click()

    def tap(self, code):
        time.sleep(0.4)  # A finger that comes right when the tickets move is not counted.
        self.ticket(code).find_element(By.CSS_SELECTOR, "button").click()

    def type_code(self, code):
        field = self.one("#code")
        field.click()
        for key in code:
            field.send_keys(key)
            time.sleep(0.09)
        time.sleep(0.09)
        field.send_keys(Keys.ENTER)

    def scan(self, code):
        """As a scanner does it: keys without a pause, wherever the focus is.

        The page sees keys 5 ms apart, however late a busy machine delivers them.
        """
        self.script("""
            window.realTime = Object.getOwnPropertyDescriptor(Event.prototype, 'timeStamp');
            const times = new WeakMap();
            let now = performance.now();
            Object.defineProperty(Event.prototype, 'timeStamp', {
              configurable: true,
              get() {
                if (!times.has(this)) times.set(this, now += 5);
                return times.get(this);
              },
            });""")
        ActionChains(self.driver, duration=0).send_keys(code + Keys.ENTER).perform()
        self.script("Object.defineProperty(Event.prototype, 'timeStamp', window.realTime)")

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def focused(self, what="outerHTML"):
        return self.script("return document.activeElement[arguments[0]]", what)

    def tab_to(self, condition, at_most=40):
        """Presses Tab until the focused element fits `condition`, a JavaScript expression."""
        for _ in range(at_most):
            self.press(Keys.TAB)
            if self.script("const it = document.activeElement; return Boolean(" + condition + ")"):
                return
        raise AssertionError(f"the keyboard does not reach {condition}")
