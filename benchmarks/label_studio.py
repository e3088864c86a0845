"""Submit key to next answer painted on Label Studio's open-source labelling screen, beside our card.

    python benchmarks/label_studio.py [--venv FOLDER] [--answers 300] [--keys 40]

Optional: it installs Label Studio (some 150 packages) into a virtual environment of its own, imports the same answers
of 600 characters as benchmarks/rating.py, and measures both in the same Chromium, one after the other, nobody else
rating. Over there P chooses "Pass" and Ctrl+Enter submits, here P does both; the clock starts at the submitting key.
Painted means what it means in benchmarks/rating.py. The ratio is what to trust; milliseconds belong to the machine.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import rating
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

from core.settings import Settings
from tests.browser.conftest import CHROMIUM, QUIET, running

WHO = {"email": "rater@example.org", "password": "four plain words here"}
CONFIG = """<View><Text name="answer" value="$text"/><Choices name="verdict" toName="answer" choice="single">
<Choice value="Pass" hotkey="p"/><Choice value="Fail" hotkey="f"/></Choices></View>"""
ASK = """async ([path, body]) => {
  const token = document.cookie.match(/csrftoken=([^;]+)/)?.[1] || '';
  const headers = {'Content-Type': 'application/json', 'X-CSRFToken': token};
  const answer = await fetch(path, {method: 'POST', headers, body: JSON.stringify(body)});
  if (!answer.ok) throw new Error(path + ' ' + answer.status + ' ' + await answer.text());
  return await answer.json();
}"""
PLACE = r"() => document.querySelector('[class*=htx-richtext]')?.innerText.match(/Answer \d+/)?.[0]"


def installed(venv: Path) -> Path:
    """Label Studio's command; installs it first unless it is there."""
    command = venv / "bin" / "label-studio"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(venv / "bin" / "pip"), "install", "--quiet", "label-studio"], check=True)
    return command


@contextmanager
def theirs(command: Path, data: Path) -> Iterator[str]:
    """Label Studio on a free port, with one account; yields its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    asked = ["start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--data-dir", str(data)]
    quiet = {"COLLECT_ANALYTICS": "0", "LATEST_VERSION_CHECK": "0"}
    process = subprocess.Popen(
        [str(command), *asked, "--username", WHO["email"], "--password", WHO["password"]],
        env={**os.environ, **quiet},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(f"{url}/health")
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(url: str, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(1)


def label_stream(browser: Browser, url: str, answers: int) -> Page:
    """A window in which the first of so many answers waits for its label."""
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{url}/user/login")
    page.locator("input[name=email]").fill(WHO["email"])
    page.locator("input[name=password]").fill(WHO["password"])
    page.locator("[type=submit]").first.click()
    page.wait_for_url(lambda found: "/login" not in found)
    project = page.evaluate(ASK, ["/api/projects", {"title": "Parcels", "label_config": CONFIG}])["id"]
    tasks = [{"text": f"Answer {number}. " + "The parcel comes on Monday. " * 22} for number in range(1, answers + 1)]
    page.evaluate(ASK, [f"/api/projects/{project}/import", tasks])
    page.goto(f"{url}/projects/{project}/data?labeling=1")
    page.get_by_text("The parcel comes on Monday.").first.wait_for()
    page.wait_for_timeout(3000)
    return page


def measure(page: Page, keys: int) -> list[float]:
    """Milliseconds from Ctrl+Enter to the next answer; 5,000 where none came."""
    page.evaluate(rating.watch(PLACE, "Enter"))
    for count in range(1, keys + 1):
        page.wait_for_timeout(400)
        page.keyboard.press("p")
        page.wait_for_timeout(300)
        page.keyboard.press("Control+Enter")
        try:
            page.wait_for_function("count => window.painted.length >= count", arg=count, timeout=5000)
        except TimeoutError:
            page.evaluate("() => window.giveUp()")
    return [float(one) for one in page.evaluate("() => window.painted")]


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    wanted.add_argument("--venv", type=Path, default=Path.home() / ".cache" / "countersign" / "label-studio")
    wanted.add_argument("--answers", type=int, default=300)
    wanted.add_argument("--keys", type=int, default=40)
    asked = wanted.parse_args()
    command = installed(asked.venv)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        with theirs(command, Path(folder) / "theirs") as url:
            other = measure(label_stream(browser, url, asked.answers), asked.keys)
        late = other.count(5000.0)
        their_p50 = rating.told("Label Studio", (other, Counter({"late": late} if late else {})))
        settings = Settings(data=Path(folder) / "ours")
        (cookie,) = rating.fill(settings, max(80, asked.answers // 40 * 40), 0)
        with running(settings.data) as printed:
            page = rating.window(browser.new_context(), printed.rstrip("/"), cookie)
            our_p50 = rating.told("card", rating.measure(page, asked.keys, 400))
        print(
            f"{asked.answers} answers, nobody else rating: Label Studio takes {their_p50 / our_p50:.1f} times as long"
        )
        browser.close()


if __name__ == "__main__":
    main()
