// How long each change took: to its reply, and to the moment at which each user saw it.

import { element, find, milliseconds } from "./dom.js";

const SHOWN = 12;
/** Values that a change is looked for in: one may have arrived before the reply that says what to look for. */
const REMEMBERED = 20;

/** The table of changes. Everybody's time is this page's own, so the times can be compared. */
export class Changes {
  #rows;
  #empty;
  #users;
  /** @type {Map<string, {at: number, state: any}[]>} the newest values by user and actor */
  #values = new Map();
  /** @type {{actorId: string, at: number, seen: (state: any) => boolean, cells: Map<string, HTMLElement>}[]} */
  #open = [];

  /** @param {Document} page @param {string[]} users */
  constructor(page, users) {
    this.#rows = find(page, "#changes tbody");
    this.#empty = find(page, "#changes-empty");
    this.#users = users;
    for (const user of users) {
      const title = element("th", { scope: "col", className: "number", textContent: `${user} sees it` });
      find(page, "#changes thead tr").append(title);
    }
  }

  /** A user got a value. @param {string} user @param {string} actorId @param {any} state */
  value(user, actorId, state) {
    const key = `${user} ${actorId}`;
    const value = { at: performance.now(), state };
    this.#values.set(key, [...(this.#values.get(key) ?? []), value].slice(-REMEMBERED));
    for (const change of this.#open) if (change.actorId === actorId) this.#look(change, user);
  }

  /**
   * Make a change and time it.
   * @template T
   * @param {string} user
   * @param {string} text what it is
   * @param {{actorId: string, call: () => Promise<T>, seen: (result: T) => (state: any) => boolean}} change
   *   seen: by the result, what tells a state that has the change
   * @returns {Promise<T>}
   */
  async time(user, text, { actorId, call, seen }) {
    const at = performance.now();
    const reply = element("td", { className: "number", textContent: "…" });
    const cells = new Map(this.#users.map((one) => [one, element("td", { className: "number", textContent: "…" })]));
    const who = element("span", { className: "badge", textContent: user, "data-user": user.toLowerCase() });
    this.#add(element("tr", {}, element("td", {}, who, ` ${text}`), reply, ...cells.values()));
    try {
      const result = await call();
      reply.textContent = milliseconds(performance.now() - at);
      const change = { actorId, at, seen: seen(result), cells };
      this.#open = [...this.#open, change].slice(-SHOWN);
      for (const one of this.#users) this.#look(change, one);
      return result;
    } catch (error) {
      reply.textContent = "refused";
      for (const cell of cells.values()) cell.textContent = "–";
      throw error;
    }
  }

  /** @param {any} change @param {string} user */
  #look(change, user) {
    const cell = change.cells.get(user);
    const values = this.#values.get(`${user} ${change.actorId}`) ?? [];
    const first = cell && values.find(({ at, state }) => at >= change.at && change.seen(state));
    if (!first) return;
    cell.textContent = milliseconds(first.at - change.at);
    change.cells.delete(user);
    if (change.cells.size === 0) this.#open.splice(this.#open.indexOf(change), 1);
  }

  /** @param {HTMLElement} row */
  #add(row) {
    this.#empty.hidden = true;
    this.#rows.prepend(row);
    if (this.#rows.childElementCount > SHOWN) this.#rows.lastElementChild.remove();
  }
}
