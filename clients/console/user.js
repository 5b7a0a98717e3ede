// One user: a client of their own on a line that can be cut, and the cards that it shows.

import { Backoff, parse, TrebuchetClient } from "../javascript/src/index.js";
import { find, tell } from "./dom.js";
import { Frames } from "./frames.js";
import { refusedInWords, repeatedInWords } from "./refusals.js";
import { RoomCard } from "./room.js";
import { Line, shownSockets } from "./sockets.js";
import { TodoCard } from "./todos.js";

/** Quicker than the client's own, which are for fleets: here somebody sits and watches. */
const BACKOFF = new Backoff(0.5, 2);
const STATES = {
  connecting: "Connecting …",
  connected: "Connected",
  reconnecting: "Reconnecting …",
  closed: "Closed",
};

/** A user's section. */
export class User {
  #section;
  #line;
  #client;
  /** @type {TodoCard | undefined} */
  #todos;
  /** @type {RoomCard | undefined} */
  #room;
  #calls = 0;
  #open = true;
  #hasToken;
  #refused = false;
  /** @type {number | null} */
  #lostAt = null;

  /**
   * @param {string} name
   * @param {{lines: string, token?: string, ids: {todos?: string, game?: string}}} setup
   * @param {import("./changes.js").Changes} changes
   */
  constructor(name, { lines, token, ids }, changes) {
    this.#section = makeSection(name);
    this.#hasToken = token !== undefined;
    const frames = new Frames(this.#section);
    this.#line = new Line(lines, name.toLowerCase());
    const show = (/** @type {import("./sockets.js").Frame} */ frame) => {
      frames.add(frame);
      if (!frame.sent) this.#notice(frame.text);
    };
    this.#client = new TrebuchetClient(this.#line.url, {
      token,
      WebSocket: shownSockets(show),
      options: { backoff: BACKOFF },
      onState: (change) => this.#changed(change),
    });
    const waiting = (/** @type {Promise<any>} */ call) => this.#count(call);
    this.#addCards(ids, { user: name, client: this.#client, changes, waiting });
    find(this.#section, ".switch").addEventListener("click", () => this.#switch());
    this.#showState();
  }

  get section() {
    return this.#section;
  }

  /** Connect, and show what comes for as long as the page is there. */
  async start() {
    await this.#client.connect({ patience: Infinity });
    await Promise.all([this.#todos?.follow(), this.#room?.follow()]);
  }

  /** @param {{todos?: string, game?: string}} ids @param {import("./shared_actor.js").Surroundings} around */
  #addCards({ todos, game }, around) {
    const cards = { todos: find(this.#section, ".todos"), game: find(this.#section, ".room") };
    if (todos) this.#todos = new TodoCard(cards.todos, todos, around);
    else cards.todos.remove();
    if (game) this.#room = new RoomCard(cards.game, game, around);
    else cards.game.remove();
  }

  async #switch() {
    this.#open = !this.#open;
    find(this.#section, ".switch").setAttribute("aria-checked", String(this.#open));
    try {
      await this.#line.switch(this.#open);
    } catch (error) {
      tell(find(this.#section, ".recovery"), `The switch does nothing: ${/** @type {Error} */ (error).message}.`);
    }
  }

  /** @param {import("../javascript/src/index.js").StateChange} change */
  #changed({ state, reason, failures }) {
    if (state === "reconnecting" && this.#lostAt === null) {
      this.#lostAt = performance.now();
      this.#say("warn", `The connection is gone: ${reason}. The client tries again by itself.`);
    }
    if (state === "connected" && this.#lostAt !== null) {
      const seconds = ((performance.now() - this.#lostAt) / 1000).toFixed(1);
      this.#lostAt = null;
      this.#say("good", `Connected again after ${seconds} s.`);
    }
    if (state === "connected" && this.#refused) this.#say("good", "Connected.");
    if (state === "connected") this.#refused = false;
    if (state === "closed" && reason !== null) this.#say("bad", `The connection was closed for good: ${reason}.`);
    if (failures > 0 && this.#open) this.#explain();
    this.#showState();
  }

  /** Say why the endpoint lets nobody in: the client is not told by the browser, and goes on trying. */
  async #explain() {
    const status = await this.#line.refusal();
    if (status === null || this.#client.state === "connected") return;
    this.#refused = true;
    this.#say("bad", refusedInWords(status, this.#hasToken));
  }

  /** @param {"good" | "warn" | "bad"} how @param {string} text */
  #say(how, text) {
    const recovery = find(this.#section, ".recovery");
    tell(recovery, text);
    recovery.className = `notice recovery ${how}`;
  }

  /** Say what a frame refuses, or how a stream went on after a drop. @param {string} text a frame that came */
  #notice(text) {
    const frame = parse(text);
    const { type, payload } = frame;
    const refused = repeatedInWords(frame);
    if (refused) this.#say("warn", refused);
    if (type !== "streamStart" || typeof payload.recovered !== "boolean") return;
    const card = [this.#todos, this.#room].find((one) => one?.actor.actorId === payload.actorID.id);
    if (!card) return;
    const recovery = find(this.#section, ".recovery");
    recovery.textContent += ` ${card.title}: ${howItWentOn(payload, card.actor.last)}.`;
  }

  /** @template T @param {Promise<T>} call @returns {Promise<T>} */
  async #count(call) {
    this.#calls += 1;
    this.#showState();
    try {
      return await call;
    } finally {
      this.#calls -= 1;
      this.#showState();
    }
  }

  #showState() {
    const { state } = this.#client;
    const waits = state !== "connected" && this.#calls > 0;
    const calls = this.#calls === 1 ? "1 call waits" : `${this.#calls} calls wait`;
    this.#section.dataset.state = state;
    tell(find(this.#section, ".state-text"), waits ? `${STATES[state]} ${calls}` : STATES[state]);
  }
}

/** @param {{recovered: boolean, upTo?: number | bigint}} start @param {bigint} last */
function howItWentOn({ recovered, upTo }, last) {
  if (!recovered) return "too much was missed to replay it; this is the state now";
  const missed = upTo === undefined ? 0n : BigInt(upTo) - last;
  if (missed <= 0n) return "nothing changed meanwhile";
  return missed === 1n ? "1 change caught up, nothing missed" : `${missed} changes caught up, nothing missed`;
}

/** @param {string} name @returns {HTMLElement} */
function makeSection(name) {
  const section = /** @type {HTMLElement} */ (find(document, "#user").content.firstElementChild.cloneNode(true));
  const title = find(section, "h2");
  title.textContent = name;
  title.id = `user-${name.toLowerCase()}`;
  section.dataset.user = name.toLowerCase();
  section.setAttribute("aria-labelledby", title.id);
  find(section, ".avatar").textContent = name[0];
  find(section, ".switch").setAttribute("aria-label", `Network of ${name}`);
  find(section, ".frames summary span").textContent = `Frames of ${name}`;
  find(section, ".frames ol").setAttribute("aria-label", `Frames of ${name}, newest first`);
  return section;
}
