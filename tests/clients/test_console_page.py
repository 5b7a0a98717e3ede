"""What the console shows of refusals and crowds, before the runtime in memory: nothing is deployed for it."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from actors.game_room import GameRoom
from actors.todo_list import TodoList
from tests.loop.workshop import CHECKOUT
from tests.support.browser import chromium
from tests.support.javascript import PACKAGE, install
from tests.support.page_endpoint import console_at, shut_door, world_at
from tests.support.world import World, write_state
from trebuche.auth.limits import Limits, Rate

PATIENCE_MS: Final = 100_000
SIZES: Final = {"desktop": (1440, 1000), "phone": (390, 844), "narrow phone": (320, 640)}
PLAYERS: Final = ("Ada", "Grace", "Lin")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as browser:
        yield browser


@contextmanager
def opened(browser: Browser, endpoint: str) -> Iterator[Page]:
    """The page of a console that leads to an endpoint."""
    with console_at(CHECKOUT, endpoint) as address, browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        yield page


def notice(page: Page, name: str = "Ada") -> Locator:
    """What a user is told about the connection."""
    return page.get_by_role("region", name=name, exact=True).locator(".recovery")


def test_who_has_no_token_is_told_so(browser: Browser) -> None:
    """In words, with what helps: a browser itself tells a page nothing of why a socket did not open."""
    with shut_door(403) as endpoint, opened(browser, endpoint) as page:
        expect(notice(page)).to_contain_text("The endpoint asks for a token (HTTP 403)")
        page.get_by_label("Token").fill("of-yesterday")
        page.get_by_role("button", name="Use").click()
        expect(notice(page)).to_contain_text("The endpoint refuses this token (HTTP 403)")


@pytest.mark.parametrize(("status", "text"), [(429, "takes no more connections"), (500, "cannot let anybody in")])
def test_other_refusals_of_the_door_are_told(browser: Browser, status: int, text: str) -> None:
    """With their status, and that the client goes on trying."""
    with shut_door(status) as endpoint, opened(browser, endpoint) as page:
        expect(notice(page)).to_contain_text(f"{text} for now (HTTP 429)" if status == 429 else f"{text} (HTTP 500)")
        expect(notice(page)).to_contain_text("The client tries again by itself.")


def test_a_limit_that_is_hit_is_told_and_the_call_is_done_later(browser: Browser) -> None:
    """The client waits and asks again; meanwhile the page says what it waits for."""
    world = World(TodoList, GameRoom, limits=Limits(connection=Rate(0.1, 3)))
    with world_at(world) as endpoint, opened(browser, endpoint) as page:
        ada = page.get_by_role("region", name="Ada", exact=True)
        expect(ada.get_by_text("Nothing to do.")).to_be_visible()
        for number in range(2):
            ada.get_by_label("New thing to do, from Ada").fill(f"thing {number}")
            ada.get_by_role("button", name="Add").click()
        expect(notice(page)).to_contain_text("Too many requests; try again in")
        expect(notice(page)).to_contain_text("The client waits and asks again by itself.")
        for number in range(2):
            expect(ada.get_by_role("checkbox", name=f"thing {number}")).to_be_visible()


def test_players_in_one_place_do_not_cover_one_another(browser: Browser) -> None:
    """Everybody begins in the middle; each is to be seen."""
    world = World(TodoList, GameRoom)
    write_state(world, "game", {"players": {name: _player(name) for name in PLAYERS}, "messages": []})
    world.records()
    with world_at(world) as endpoint, opened(browser, endpoint) as page:
        pieces = page.get_by_role("region", name="Ada", exact=True).locator(".piece")
        expect(pieces).to_have_count(len(PLAYERS))
        boxes = sorted((box["x"], box["width"]) for piece in pieces.all() if (box := piece.bounding_box()))
        for (left, width), (right, _) in itertools.pairwise(boxes):
            assert left + width <= right + 0.5
            assert width > 3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_fault_of_any_kind(browser: Browser, tmp_path: Path, size: str, scheme: str) -> None:
    """Axe finds nothing, no name of a landmark is there twice, and nothing is wider than the screen."""
    install()
    world = World(TodoList, GameRoom)
    write_state(world, "todos", {"todos": [{"id": "1", "title": "Buy " + "milk" * 20, "completed": True}]})
    write_state(world, "game", {"players": {name: _player(name) for name in PLAYERS}, "messages": _MESSAGES})
    world.records()
    with world_at(world) as endpoint, opened(browser, endpoint) as page:
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        page.get_by_role("region", name="Ada", exact=True).get_by_role("button", name="Left").click()
        page.get_by_role("region", name="Ada", exact=True).get_by_text("Frames of Ada").click()
        expect(page.get_by_role("row").filter(has_text="moved left")).to_be_visible()
        page.get_by_role("button", name="Watch").click()
        expect(page.get_by_role("region", name="Value of the watched property")).to_be_visible()
        page.screenshot(path=tmp_path / f"{size}-{scheme}.png", full_page=True)
        page.evaluate((PACKAGE / "node_modules/axe-core/axe.min.js").read_text())
        found = page.evaluate("axe.run().then(({violations}) => violations)")
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


_MESSAGES: Final = [{"player": "Ada", "text": "Hello!"}, {"player": "Grace", "text": "A long answer " * 8}]


def _player(name: str) -> dict[str, object]:
    return {"name": name, "x": 0, "y": 0, "score": 0}
