"""Key to next answer painted, in a real Chromium: the card beside the plain form, in the same run.

    python benchmarks/rating.py [--answers 20000] [--raters 10] [--keys 60]

A queue of so many answers of 600 characters. The other raters have a window each, in which a key is pressed every
three seconds. Painted means: two frames after the next question stands in the page, by performance.now() in the page.
A key that paints nothing in five seconds counts as 5,000 ms, and is told apart: refused, because the card found that it
came too soon after the last answer; dry, because no answer was at hand; or late, anything else.
The ratio is what to trust; milliseconds belong to the machine.
"""

import argparse
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import BrowserContext, Page, TimeoutError, sync_playwright

from core.access import people, roles, sessions
from core.access.people import Person
from core.settings import Settings
from core.store import database
from tests import chain
from tests.browser.conftest import CHROMIUM, QUIET, running

PLACE = """() => {
    const form = document.querySelector('[data-testid=stCode] code');
    if (form) return form.textContent;
    for (const one of document.querySelectorAll('*')) {
      const found = one.shadowRoot?.querySelector('.input');
      if (found) return found.textContent;
    }
  }"""
WATCH = """() => {
  const place = $place, key = '$key';
  window.painted = [];
  let pressed = null, before = '';
  window.giveUp = () => { if (pressed !== null) window.painted.push(5000); pressed = null; };
  addEventListener('keydown', (event) => {
    if (key && event.key !== key) return;
    before = place();
    pressed = performance.now();
  }, true);
  const look = () => {
    const now = pressed === null ? '' : place();
    if (now && now !== before) {
      const start = pressed;
      pressed = null;
      requestAnimationFrame(() => window.painted.push(performance.now() - start));
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
BUSY = "() => setInterval(() => document.dispatchEvent(new KeyboardEvent('keydown', {key: 'p'})), 3000)"


def watch(place: str, key: str = "") -> str:
    """A stopwatch for a page: from a key, the one named or any, to when `place`, a function, says something else."""
    return WATCH.replace("$place", place).replace("$key", key)


def fill(settings: Settings, answers: int, raters: int) -> list[str]:
    """Make the queue; returns a cookie for each rater."""
    opened = database.connect(settings)
    conn = opened.cursor()
    first = people.create_first(conn, name="Rater 0", password="four plain words here")
    first = Person(person_id=first.person_id, name=first.name, roles=frozenset(roles.ROLES))
    others = [
        people.create(conn, name=f"Rater {n}", password="four plain words here", roles_held=["expert"], by=first)
        for n in range(1, raters + 1)
    ]
    world = chain.small(conn, settings, first, dev=1, train=40, gate=1, retain=1)
    queue_id = chain.collect(world)
    conn.execute("update answers set text = repeat('The parcel comes on Monday. ', 22)")
    conn.execute(
        "create temp table more as select a.*, n from answers as a, range(1, $copies) as t (n)",
        {"copies": answers // 40},
    )
    conn.execute(
        """
        insert into samples by name
        select distinct on (m.sample_id, m.n) p.* replace (p.sample_id || ':' || m.n as sample_id,
            m.n || ' ' || p.input as input)
        from more as m join samples as p using (sample_id)
        """
    )
    conn.execute(
        """
        insert into answers by name select * exclude (n) replace (answer_id || ':' || n as answer_id,
            sample_id || ':' || n as sample_id) from more
        """
    )
    conn.execute(
        "insert into queue_items by name select $queue as queue_id, 40 + row_number() over () as position, "
        "answer_id || ':' || n as answer_id from more",
        {"queue": queue_id},
    )
    conn.execute("update queue_items set needed = 1")  # as queues are made: an answer is held for one rater at a time
    cookies = [sessions.start(conn, one) for one in [first, *others]]
    opened.close()
    return cookies


def window(context: BrowserContext, url: str, cookie: str) -> Page:
    context.add_cookies([{"name": sessions.COOKIE, "value": cookie, "url": url}])
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{url}/rate")
    page.get_by_text("The parcel comes on Monday.").first.wait_for()
    return page


def measure(page: Page, keys: int, pause_ms: int) -> tuple[list[float], Counter[str]]:
    """Milliseconds from key to paint, for so many keys, and why those that count as 5,000 painted nothing."""
    page.evaluate(watch(PLACE))
    unpainted = Counter[str]()
    for count in range(1, keys + 1):
        page.wait_for_timeout(pause_ms)
        page.keyboard.press("p")
        try:
            page.wait_for_function("count => window.painted.length >= count", arg=count, timeout=5000)
        except TimeoutError:
            unpainted[why(page)] += 1
            page.evaluate("() => window.giveUp()")
    return [float(one) for one in page.evaluate("() => window.painted")], unpainted


def why(page: Page) -> str:
    if page.locator(".calm").is_visible():
        return "dry"
    return "refused" if page.locator(".problem:not(:empty)").count() else "late"


def told(name: str, measured: tuple[list[float], Counter[str]]) -> float:
    times, unpainted = measured
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20, method="inclusive")[-1]
    causes = ", ".join(f"{unpainted[cause]} {cause}" for cause in ("refused", "dry", "late"))
    print(f"{name}: key to next answer painted p50 {p50:.0f} ms, p95 {p95:.0f} ms, n {len(times)}", end="; ")
    print(f"painted nothing: {causes}", flush=True)
    return p50


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    wanted.add_argument("--answers", type=int, default=20_000)
    wanted.add_argument("--raters", type=int, default=10)
    wanted.add_argument("--keys", type=int, default=60)
    asked = wanted.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = Settings(data=Path(folder) / "data")
        cookies = fill(settings, asked.answers, asked.raters)
        with running(settings.data) as printed:
            url = printed.rstrip("/")
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            for cookie in cookies[1:]:
                window(browser.new_context(), url, cookie).evaluate(BUSY)
            page = window(browser.new_context(), url, cookies[0])
            card = told("card", measure(page, asked.keys, 400))
            page.get_by_test_id("stPopover").get_by_role("button").first.click()
            page.get_by_text("Plain form", exact=True).click()
            page.get_by_test_id("stCode").first.wait_for()
            page.reload()  # the choice stays; focus and what watched the card do not
            page.get_by_test_id("stCode").first.wait_for()
            form = told("plain form", measure(page, max(10, asked.keys // 3), 1300))
            print(
                f"{asked.answers} answers, {asked.raters} other raters: the form takes {form / card:.1f} times as long"
            )
            browser.close()


if __name__ == "__main__":
    main()
