// Any actor of the checkout: what it keeps, and its methods.

import { parse, TrebuchetClient } from "../javascript/src/index.js";
import { element, find } from "./dom.js";
import { inWords } from "./shared_actor.js";
import { Line } from "./sockets.js";

/** What can be called and observed, as `/actors.json` says it. @typedef {object} Actors
 * @property {Record<string, {stateful: boolean, state: any, methods: Record<string, {parameters: Parameter[]}>}>} actors
 * @property {Record<string, Record<string, unknown>>} types
 */
/** @typedef {{name: string, type: unknown, required: boolean}} Parameter */

/** They have cards of their own, so that others are offered first. */
const SHIPPED = new Set(["todos", "game"]);

/** The section in which one actor is watched and called. */
export class Workbench {
  #section;
  #client;
  /** @type {Actors} */
  #known = { actors: {}, types: {} };
  /** The stream that is shown. @type {AsyncIterableIterator<any> | null} */
  #values = null;

  /** @param {HTMLElement} section @param {{lines: string, token?: string}} setup */
  constructor(section, { lines, token }) {
    this.#section = section;
    this.#client = new TrebuchetClient(new Line(lines, "workbench").url, { token });
    find(section, '[name="actor"]').addEventListener("change", () => this.#offerActor());
    find(section, '[name="method"]').addEventListener("change", () => this.#offerParameters());
    find(section, ".watch").addEventListener("submit", (/** @type {SubmitEvent} */ event) => this.#watch(event));
    find(section, ".call").addEventListener("submit", (/** @type {SubmitEvent} */ event) => this.#call(event));
  }

  async start() {
    await this.#client.connect({ patience: Infinity });
  }

  /** Offer these actors; what was chosen stays chosen if it is still there. @param {Actors} known */
  offer(known) {
    if (JSON.stringify(known) === JSON.stringify(this.#known)) return;
    this.#known = known;
    const names = Object.keys(known.actors);
    const own = names.filter((name) => !SHIPPED.has(name));
    choose(find(this.#section, '[name="actor"]'), [...own, ...names.filter((name) => SHIPPED.has(name))]);
    this.#offerActor();
  }

  get #actor() {
    return find(this.#section, '[name="actor"]').value;
  }

  get #actorId() {
    const key = find(this.#section, '[name="key"]').value.trim();
    return key ? `${this.#actor}/${key}` : this.#actor;
  }

  #offerActor() {
    const actor = this.#known.actors[this.#actor];
    const fields = this.#known.types[actor?.state?.record] ?? {};
    choose(find(this.#section, '[name="property"]'), actor?.stateful ? ["state", ...Object.keys(fields)] : []);
    choose(find(this.#section, '[name="method"]'), Object.keys(actor?.methods ?? {}));
    find(this.#section, ".watch button").disabled = !actor?.stateful;
    this.#offerParameters();
  }

  #offerParameters() {
    const { parameters = [] } = this.#method ?? {};
    const fields = parameters.map(({ name, type, required }) => {
      const input = element("input", { name, required, autocomplete: "off", spellcheck: false });
      input.placeholder = type === "text" ? "text" : `JSON: ${typeof type === "string" ? type : Object.keys(type ?? {})[0]}`;
      return element("label", {}, `${name} `, input);
    });
    find(this.#section, ".parameters").replaceChildren(...fields);
    find(this.#section, ".call button").disabled = this.#method === undefined;
  }

  get #method() {
    return this.#known.actors[this.#actor]?.methods[find(this.#section, '[name="method"]').value];
  }

  /** @param {SubmitEvent} event */
  async #watch(event) {
    event.preventDefault();
    await this.#values?.return?.();
    const [actorId, property] = [this.#actorId, find(this.#section, '[name="property"]').value];
    const [what, number, shown] = [".what", ".sequence", ".value"].map((place) => find(this.#section, place));
    what.textContent = `${actorId}, ${property}: waiting for its value …`;
    number.textContent = "";
    shown.hidden = true;
    try {
      const values = (this.#values = this.#client.resolve(actorId).observe(property).values());
      for await (const { value, sequence } of values) {
        what.textContent = `${actorId}, ${property}`;
        number.textContent = `number ${sequence}`;
        shown.textContent = readable(value);
        shown.hidden = false;
      }
    } catch (error) {
      what.textContent = `${actorId} cannot be watched: ${inWords(error)}`;
    }
  }

  /** @param {SubmitEvent} event */
  async #call(event) {
    event.preventDefault();
    const result = find(this.#section, ".result");
    const method = find(this.#section, '[name="method"]').value;
    result.className = "result";
    result.textContent = "…";
    try {
      const value = await this.#client.resolve(this.#actorId).call(method, this.#arguments());
      result.textContent = value === undefined ? `${method}: done` : `${method}: ${readable(value)}`;
    } catch (error) {
      result.className = "result bad";
      result.textContent = `${method}: ${inWords(error)}`;
    }
  }

  /** What is filled in, up to the last; a text needs no quotes. */
  #arguments() {
    const given = (this.#method?.parameters ?? []).map(({ name, type }) => {
      const text = find(this.#section, `.parameters [name="${CSS.escape(name)}"]`).value;
      if (text === "" && type !== "text") return undefined;
      return type === "text" ? text : asJson(name, text);
    });
    while (given.length > 0 && given.at(-1) === undefined) given.pop();
    return given.map((value) => (value === undefined ? null : value));
  }
}

/** @param {string} name @param {string} text */
function asJson(name, text) {
  try {
    return parse(text);
  } catch {
    throw new TypeError(`${name} must be a JSON value, such as 1, true, "text" or [1, 2].`);
  }
}

/** @param {HTMLSelectElement} select @param {string[]} values */
function choose(select, values) {
  const before = select.value;
  select.replaceChildren(...values.map((value) => element("option", { value, textContent: value })));
  if (values.includes(before)) select.value = before;
  select.disabled = values.length === 0;
}

/** @param {unknown} value */
function readable(value) {
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner), 2);
}
