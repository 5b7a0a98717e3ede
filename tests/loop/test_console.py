"""The console in Chromium, as ``make run`` serves it: two users, a cable that is cut, the keyboard, screen readers."""

import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.loop.workshop import CHECKOUT, Development, Workshop
from tests.support.browser import chromium
from tests.support.javascript import PACKAGE, install

OpenPage = Callable[[], Page]

PATIENCE_MS: Final = 100_000
"""Generous: functions that start on a busy machine take their time."""
KEYS_TO_A_CONTROL: Final = 80
SIZES: Final = {"desktop": (1440, 1000), "phone": (390, 844)}
A_TIME: Final = re.compile(r"^[\d.]+ m?s$")
FOCUSED: Final = """() => {
    const one = document.activeElement;
    return one.getAttribute("aria-label") ?? one.labels?.[0]?.innerText ?? one.innerText;
}"""
BROKEN: Final = "class Oops("
README: Final = (CHECKOUT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    """A run of a copied checkout."""
    workshop = Workshop.create(tmp_path_factory.mktemp("console") / "checkout")
    development = workshop.develop()
    try:
        development.record()
        development.says("Ctrl-C stops everything")
        yield development
    finally:
        development.interrupt()


@pytest.fixture(scope="module")
def with_counter(running: Development) -> Development:
    """The same with the README's own actor, written as the README says."""
    mark = len(running.printed())
    path, source = _from_readme("python")
    (running.root / path).write_text(source)
    [lines] = re.findall(r"```yaml\n(  Counter:\n.*?)```", README, re.DOTALL)
    Workshop(running.root).replace("trebuche.yaml", "actors:\n", f"actors:\n{lines}")
    running.says("Deployed in", after=mark, seconds=120)
    return running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests; each page has a context of its own."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as browser:
        yield browser


@pytest.fixture
def console(running: Development, browser: Browser) -> Iterator[OpenPage]:
    """Opens pages that show a list and a room of this test alone; an error in the page's program fails the test."""
    address = f"{running.record()['console']}?key={uuid.uuid4().hex}"
    errors: list[str] = []
    contexts = []

    def open_page() -> Page:
        contexts.append(browser.new_context())
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        for name in ("Ada", "Grace"):
            expect(user(page, name).get_by_text("Connected", exact=True)).to_be_visible()
            expect(user(page, name).get_by_text("Nothing to do.")).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def user(page: Page, name: str) -> Locator:
    """The section of a user."""
    return page.get_by_role("region", name=name, exact=True)


def add(page: Page, name: str, title: str) -> None:
    """Add something to do, and wait until the one who added it sees it."""
    user(page, name).get_by_label(f"New thing to do, from {name}").fill(title)
    user(page, name).get_by_role("button", name="Add").click()
    sees(page, name, title)


def sees(page: Page, name: str, title: str) -> None:
    """Wait until a user's list shows it."""
    expect(user(page, name).get_by_role("checkbox", name=title, exact=True)).to_be_visible()


def shows(page: Page, name: str, titles: list[str]) -> None:
    """Wait until a user's list shows exactly these."""
    expect(user(page, name).locator(".todos .title")).to_have_text(titles)


def test_two_pages_see_each_others_todo(console: OpenPage) -> None:
    """What one page's user adds, the users of another page see, and the other way round."""
    first, second = console(), console()
    add(first, "Ada", "Buy milk")
    sees(second, "Grace", "Buy milk")
    add(second, "Grace", "Buy bread")
    sees(first, "Ada", "Buy bread")
    shows(first, "Grace", ["Buy milk", "Buy bread"])
    shows(second, "Ada", ["Buy milk", "Buy bread"])


def test_each_change_is_timed_for_everybody(console: OpenPage) -> None:
    """The table of changes says after how long the reply came, and when each user saw it."""
    page = console()
    add(page, "Ada", "Buy milk")
    cells = page.get_by_role("row").filter(has_text="added “Buy milk”").get_by_role("cell")
    for index in (1, 2, 3):
        expect(cells.nth(index)).to_have_text(A_TIME)


def test_cut_user_recovers_and_misses_nothing(console: OpenPage) -> None:
    """The switch breaks the socket; the client comes back by itself, with what happened and with its waiting call."""
    page = console()
    add(page, "Ada", "before")
    sees(page, "Grace", "before")
    grace = user(page, "Grace")
    with page.expect_event("websocket"):  # the client's own next attempt
        grace.get_by_role("switch", name="Network of Grace").click()
        expect(grace.get_by_text("Reconnecting …")).to_be_visible()
    for number in range(3):
        add(page, "Ada", f"meanwhile {number}")
    grace.get_by_label("New thing to do, from Grace").fill("from the dark")
    grace.get_by_role("button", name="Add").click()
    expect(grace.get_by_text("1 call waits")).to_be_visible()
    shows(page, "Grace", ["before"])

    grace.get_by_role("switch", name="Network of Grace").click()
    sees(page, "Grace", "from the dark")
    sees(page, "Ada", "from the dark")
    # The call that waited goes out before the resume: it may be done when that is answered.
    caught_up = re.compile("To do: [34] changes caught up, nothing missed. Game room: nothing changed meanwhile")
    expect(grace.get_by_text(caught_up)).to_be_visible()
    everything = ["before", *(f"meanwhile {number}" for number in range(3)), "from the dark"]
    shows(page, "Grace", everything)
    shows(page, "Ada", everything)


def test_room_is_shared(console: OpenPage) -> None:
    """Players see each other move and talk; whoever is not in the room is offered to join and nothing else."""
    page = console()
    ada, grace = user(page, "Ada"), user(page, "Grace")
    expect(ada.get_by_role("button", name="Up")).to_be_disabled()
    ada.get_by_role("button", name="Join as Ada").click()
    expect(grace.get_by_role("img", name="Board: Ada at 0, 0")).to_be_visible()
    ada.get_by_role("button", name="Up").focus()
    page.keyboard.press("ArrowLeft")
    expect(grace.get_by_role("img", name="Board: Ada at -1, 0")).to_be_visible()
    ada.get_by_label("Message from Ada").fill("Hello, Grace!")
    page.keyboard.press("Enter")
    expect(grace.get_by_role("log").get_by_text("Hello, Grace!")).to_be_visible()


def test_refused_call_is_told_in_words(console: OpenPage) -> None:
    """What the actor refuses stands where the call was made, and the text is still there to be mended."""
    page = console()
    ada = user(page, "Ada")
    ada.get_by_label("New thing to do, from Ada").fill("   ")
    ada.get_by_role("button", name="Add").click()
    expect(ada.get_by_role("alert").first).to_have_text("Not done: A todo needs a title")
    expect(ada.get_by_label("New thing to do, from Ada")).to_have_value("   ")


def test_frames_can_be_looked_at(console: OpenPage) -> None:
    """Every frame is listed with its number; its documents are written out."""
    page = console()
    add(page, "Ada", "Buy milk")
    grace = user(page, "Grace")
    sees(page, "Grace", "Buy milk")
    grace.get_by_text("Frames of Grace").click()
    newest = grace.get_by_role("list", name="Frames of Grace, newest first").get_by_role("listitem").first
    expect(newest).to_contain_text("streamData")
    expect(newest).to_contain_text("number 2")
    newest.locator("summary").click()
    expect(newest).to_contain_text('"title": "Buy milk"')


def test_everything_is_reached_by_keyboard(console: OpenPage) -> None:
    """A todo is added, ticked off and removed without a mouse; the focus is visible and never falls off the page."""
    page = console()
    _tab_to(page, "New thing to do, from Ada")
    page.keyboard.type("Buy milk")
    page.keyboard.press("Enter")
    sees(page, "Ada", "Buy milk")
    _tab_to(page, "Buy milk")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Space")
    expect(user(page, "Grace").get_by_role("checkbox", name="Buy milk")).to_be_checked()
    _tab_to(page, "Remove Buy milk")
    page.keyboard.press("Enter")
    expect(user(page, "Grace").get_by_role("checkbox")).to_have_count(0)
    expect(user(page, "Ada").get_by_label("New thing to do, from Ada")).to_be_focused()
    _tab_to(page, "Network of Ada")
    page.keyboard.press("Space")
    expect(user(page, "Ada").get_by_text("Reconnecting …")).to_be_visible()


def test_readme_leads_to_a_page_of_ones_own(with_counter: Development, browser: Browser) -> None:
    """The README's actor, its page and its way of serving it: a click in one window shows in the other."""
    path, text = _from_readme("html")
    (with_counter.root / path).parent.mkdir()
    (with_counter.root / path).write_text(text)
    with _served(with_counter.root) as address, browser.new_context() as context:
        windows = context.new_page(), context.new_page()
        for window in windows:
            window.goto(f"{address}page/")
            expect(window.get_by_role("button")).to_have_text(re.compile(r"^\d+$"))
        before = int(windows[0].get_by_role("button").inner_text())
        windows[0].get_by_role("button").click()
        for window in windows:
            expect(window.get_by_role("button")).to_have_text(str(before + 1))


def test_own_actor_needs_no_page_of_its_own(with_counter: Development, console: OpenPage) -> None:
    """An actor that was just written can be watched and called; sources that cannot be read are told."""
    page = console()
    page.get_by_role("textbox", name="Key").fill(uuid.uuid4().hex)
    page.get_by_role("combobox", name="Actor").select_option("counter")
    page.get_by_role("button", name="Watch").click()
    page.get_by_label("amount").fill("2")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_text("add: 2", exact=True)).to_be_visible()
    expect(page.get_by_role("region", name="Value of the watched property")).to_have_text('{ "value": 2 }')
    page.get_by_label("amount").fill("two")
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_text("amount must be a JSON value")).to_be_visible()

    source = with_counter.root / "lambda_src/actors/oops.py"
    source.write_text(BROKEN)
    _come_back(page)
    expect(page.get_by_role("alert").first).to_contain_text("lambda_src/actors/oops.py:1: not valid Python")
    source.unlink()
    _come_back(page)
    expect(page.get_by_text("not valid Python")).to_be_hidden()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_serious_fault(console: OpenPage, tmp_path: Path, size: str, scheme: Any) -> None:
    """Axe finds nothing serious, nothing is wider than the screen, and a picture is left to be looked at."""
    install()
    page = console()
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    _fill(page)
    page.screenshot(path=tmp_path / f"{size}-{scheme}.png", full_page=True)
    page.evaluate((PACKAGE / "node_modules/axe-core/axe.min.js").read_text())
    found = page.evaluate("axe.run().then(({violations}) => violations)")
    serious = [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def _from_readme(language: str) -> tuple[str, str]:
    """A file that the README has one write: its path, which is in its first line, and its text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    named = [(found[1], text) for text in blocks if (found := re.match(r"(?:#|<!--) (\S+/\S+)", text))]
    [(path, text)] = named
    return path, text


@contextmanager
def _served(root: Path) -> Iterator[str]:
    """The README's server, on a port of its own."""
    [command] = re.findall(r"python3 (-m http\.server) 8000 (--bind 127\.0\.0\.1)", README)
    server = subprocess.Popen(
        [sys.executable, "-u", *command[0].split(), "0", *command[1].split()],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split("(")[1].split(")")[0]
    finally:
        server.terminate()
        server.wait(60)


def _fill(page: Page) -> None:
    """Have every part of the page show something: lists, players, a drop, an error, frames, a watched actor."""
    add(page, "Ada", "Buy milk")
    add(page, "Grace", "Call the observatory about the comet that everybody saw yesterday")
    user(page, "Grace").get_by_role("checkbox", name="Buy milk").click()
    for name in ("Ada", "Grace"):
        user(page, name).get_by_role("button", name=f"Join as {name}").click()
        expect(user(page, name).get_by_role("button", name=f"Leave as {name}")).to_be_visible()
        user(page, name).get_by_label(f"Message from {name}").fill(f"This is {name}.")
        user(page, name).get_by_role("button", name="Say").click()
    user(page, "Ada").get_by_role("button", name="Left").click()
    user(page, "Ada").get_by_text("Frames of Ada").click()
    user(page, "Ada").locator(".frames li summary").nth(1).click()
    user(page, "Ada").get_by_label("New thing to do, from Ada").fill("   ")
    user(page, "Ada").get_by_role("button", name="Add").click()
    expect(user(page, "Ada").get_by_role("alert").first).to_contain_text("A todo needs a title")
    user(page, "Grace").get_by_role("switch").click()
    expect(user(page, "Grace").get_by_text("Reconnecting …")).to_be_visible()
    page.get_by_role("button", name="Watch").click()
    expect(page.get_by_role("region", name="Value of the watched property")).to_be_visible()


def _tab_to(page: Page, name: str) -> None:
    """Press Tab until a control of this name has the focus."""
    for _ in range(KEYS_TO_A_CONTROL):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == name:
            return
    pytest.fail(f"{name} is not reached by Tab")


def _come_back(page: Page) -> None:
    """Return to the page from the editor."""
    page.evaluate("window.dispatchEvent(new Event('focus'))")
