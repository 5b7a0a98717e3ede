// A user's view of the game room: a board to walk about on, and what was said.

import { element, find, showAll } from "./dom.js";
import { SharedActor } from "./shared_actor.js";

/** @typedef {{name: string, x: number, y: number}} Player */
/** @typedef {{players: Record<string, Player>, messages: {player: string, text: string}[]}} Room */

/** So many steps from the middle the board shows; who goes further is shown at its edge. */
const REACH = 4;
const CELLS = 2 * REACH + 1;
const ARROWS = new Map(["Up", "Down", "Left", "Right"].map((name) => [`Arrow${name}`, name]));

/** The card of a GameRoom. */
export class RoomCard {
  #card;
  #user;
  #room;
  #inside = false;

  title = "Game room";

  /** @param {HTMLElement} card @param {string} actorId @param {import("./shared_actor.js").Surroundings} around */
  constructor(card, actorId, around) {
    this.#card = card;
    this.#user = around.user;
    this.#room = new SharedActor(card, actorId, around);
    this.actor = this.#room;
    find(card, ".enter").addEventListener("click", () => (this.#inside ? this.#leave() : this.#join()));
    find(card, ".messages").setAttribute("aria-label", `Messages, as ${around.user} sees them`);
    find(card, ".say input").setAttribute("aria-label", `Message from ${around.user}`);
    find(card, ".say").addEventListener("submit", (/** @type {SubmitEvent} */ event) => this.#say(event));
    this.#wirePad(find(card, ".pad"));
    this.#show({ players: {}, messages: [] });
  }

  /** Show the room from now on. */
  async follow() {
    await this.#room.follow((room) => this.#show(room));
  }

  /** @param {HTMLElement} pad */
  #wirePad(pad) {
    pad.setAttribute("aria-label", `Move ${this.#user}; the arrow keys work too`);
    for (const button of pad.querySelectorAll("button")) {
      button.addEventListener("click", () => this.#move(button));
    }
    pad.addEventListener("keydown", (event) => {
      const name = ARROWS.get(event.key);
      if (name === undefined) return;
      event.preventDefault();
      find(pad, `[aria-label="${name}"]`).click();
    });
  }

  /** @param {Room} room */
  #show({ players, messages }) {
    this.#inside = Object.hasOwn(players, this.#user);
    const enter = find(this.#card, ".enter");
    enter.textContent = this.#inside ? "Leave" : "Join";
    enter.setAttribute("aria-label", `${enter.textContent} as ${this.#user}`);
    enter.classList.toggle("primary", !this.#inside);
    for (const control of this.#card.querySelectorAll(".pad button, .say input, .say button")) {
      /** @type {HTMLButtonElement} */ (control).disabled = !this.#inside;
    }
    this.#showPlayers(Object.values(players));
    this.#showMessages(messages);
  }

  /** @param {Player[]} players */
  #showPlayers(players) {
    const board = find(this.#card, ".board");
    const places = players.map(({ name, x, y }) => `${name} at ${x}, ${y}`);
    board.setAttribute("aria-label", places.length ? `Board: ${places.join("; ")}` : "Board: nobody is in the room");
    showAll(board, inCells(players), {
      key: (player) => player.name,
      make: ({ name }) =>
        element("span", { className: "piece", textContent: initial(name), title: name, "data-user": name.toLowerCase() }),
      update: (piece, { column, row, position, beside }) => {
        piece.style.setProperty("--column", `${column}`);
        piece.style.setProperty("--row", `${row}`);
        piece.style.setProperty("--position", `${position}`);
        piece.style.setProperty("--beside", `${beside}`);
      },
    });
  }

  /** @param {Room["messages"]} messages */
  #showMessages(messages) {
    const list = find(this.#card, ".messages");
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 8;
    const numbered = messages.map((message, index) => ({ ...message, key: `${index} ${message.player} ${message.text}` }));
    showAll(list, numbered, {
      key: (message) => message.key,
      make: ({ player, text }) =>
        element("p", {}, element("b", { textContent: player, "data-user": player.toLowerCase() }), ` ${text}`),
      update: () => {},
    });
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  async #join() {
    const inside = (/** @type {Player} */ { name }) => (/** @type {Room} */ { players }) => Object.hasOwn(players, name);
    const done = await this.#room.act("joined the room", "join", [this.#user], inside);
    if (done) find(this.#card, ".say input").focus();
  }

  async #leave() {
    const outside = () => (/** @type {Room} */ { players }) => !Object.hasOwn(players, this.#user);
    await this.#room.act("left the room", "leave", [this.#user], outside);
  }

  /** @param {HTMLButtonElement} button */
  async #move(button) {
    const [dx, dy] = [Number(button.dataset.dx), Number(button.dataset.dy)];
    const text = `moved ${button.getAttribute("aria-label")?.toLowerCase()}`;
    const there = (/** @type {Player} */ { x, y }) => (/** @type {Room} */ { players }) =>
      players[this.#user]?.x === x && players[this.#user]?.y === y;
    await this.#room.act(text, "move", [this.#user, dx, dy], there);
  }

  /** @param {SubmitEvent} event */
  async #say(event) {
    event.preventDefault();
    const field = find(this.#card, ".say input");
    const text = field.value;
    field.value = "";
    const heard = () => (/** @type {Room} */ { messages }) =>
      messages.some((message) => message.player === this.#user && message.text === text);
    const done = await this.#room.act(`said “${text}”`, "say", [this.#user, text], heard);
    if (!done && field.value === "") field.value = text;
  }
}

/**
 * Where the board shows players: those in one cell stand beside one another, so that nobody covers somebody else.
 * @param {Player[]} players
 */
function inCells(players) {
  /** @type {Map<string, number>} */
  const taken = new Map();
  const placed = players.map(({ name, x, y }) => {
    const [column, row] = [cell(x), CELLS - 1 - cell(y)];
    const key = `${column} ${row}`;
    const position = taken.get(key) ?? 0;
    taken.set(key, position + 1);
    return { name, column, row, position, key };
  });
  return placed.map(({ key, ...place }) => ({ ...place, beside: (taken.get(key) ?? 1) - 1 }));
}

/** The column, or the row from below, of a place. @param {number} place */
function cell(place) {
  return Math.min(Math.max(Number(place), -REACH), REACH) + REACH;
}

/** @param {string} name */
function initial(name) {
  return [...name][0].toUpperCase();
}
