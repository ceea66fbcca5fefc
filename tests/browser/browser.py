# SPDX-License-Identifier: Apache-2.0
"""Chromium for tests, with what they ask of a page."""
from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException, StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage")
WIDE = (1280, 900)


class Browser:
    def __init__(self, annals, folder, scripts=True):
        options = Options()
        for flag in FLAGS + (f"--user-data-dir={folder}",):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if not scripts:
            options.add_experimental_option("prefs",
                                            {"profile.managed_default_content_settings.javascript": 2})
        self.annals = annals
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_page_load_timeout(30)
        self.resize(*WIDE)

    def quit(self):
        self.driver.quit()

    def fresh(self):
        self.driver.delete_all_cookies()
        self.resize(*WIDE)
        self.scheme("light")
        self.problems()

    # --- going places -----------------------------------------------------------------------------
    def go(self, path):
        self.driver.get(f"http://127.0.0.1:{self.annals.web.port}{path}")
        return self

    def sign_in(self, tenant="*"):
        link = self.annals.ctl("login", "--tenant", tenant, "--subject", "browser")
        self.go("/admin/login?" + link.split("?", 1)[1])
        self.one("main form button").click()
        self.wait(lambda: "/admin/events" in self.driver.current_url)
        return self

    def wait(self, condition):
        """The condition's first value that is true. A page may change while the condition looks at it."""
        patient = WebDriverWait(self.driver, 10, ignored_exceptions=[StaleElementReferenceException])
        return patient.until(lambda _: condition())

    # --- looking ----------------------------------------------------------------------------------
    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector="main"):
        [text] = self.wait(lambda: [self.one(selector).text])
        return " ".join(text.split())

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def focused(self):
        return self.driver.switch_to.active_element

    def press(self, *keys):
        for key in keys:
            self.focused().send_keys(key)

    def tab(self, times=1):
        self.press(*[Keys.TAB] * times)

    def alert(self):
        """Text of a dialogue that a script has opened, or None."""
        try:
            found = self.driver.switch_to.alert
        except NoAlertPresentException:
            return None
        text = found.text
        found.dismiss()
        return text

    def problems(self):
        """What the browser complained about since the last call: blocked by policy, errors of scripts,
        404s."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] in ("SEVERE", "WARNING")]

    # --- other eyes -------------------------------------------------------------------------------
    def resize(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def scheme(self, name):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": name}]})

    def timezone(self, name):
        self.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": name})
