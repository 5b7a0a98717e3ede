// An actor as an object: `await todos.addTodo("…")`, `for await (const state of todos.observe("state"))`.

import { CallFailedError } from "./errors.js";
import { parse, stringify } from "./json.js";
import { Observation } from "./observation.js";

/** How an object becomes a text. */
/** @type {Set<string | symbol>} */
const TEXT_OF = new Set([Symbol.toPrimitive, "toString"]);
/** Asked of every object by the language and its tools: no methods of an actor. */
const NOT_METHODS = new Set(["then", "toJSON", "constructor", "$$typeof", "nodeType", "asymmetricMatch"]);

/** One actor. Every property that is not its own is a method of the actor. */
class ActorProxy {
  #client;

  /** @param {import("./client.js").TrebuchetClient} client @param {string} actorId */
  constructor(client, actorId) {
    this.#client = client;
    this.actorId = actorId;
    this.call = this.call.bind(this);
    this.observe = this.observe.bind(this);
  }

  /**
   * Call a method by name.
   * @param {string} name
   * @param {readonly unknown[]} [values] by position
   * @param {import("./index.js").CallOptions} [options]
   */
  async call(name, values = [], options = {}) {
    const documents = values.map((value, index) => toDocument(value, `${name}: argument ${index + 1}`));
    const result = await this.#client.call(this.actorId, name, documents, options);
    try {
      return result === "" ? undefined : parse(result);
    } catch (error) {
      throw new CallFailedError(`the result of ${name} is not JSON: ${error}`, { code: "malformed" });
    }
  }

  /**
   * A property as it changes: its value now, then each one after a change, in order, across drops.
   * @param {string} [name] the whole state, or a top-level key of it
   * @param {import("./index.js").ObserveOptions} [options]
   */
  observe(name = "state", { wanted, latestPerMs } = {}) {
    if (wanted && latestPerMs !== undefined) {
      throw new TypeError("a stream has one filter: ask for the latest values or for those of a filter");
    }
    const latest = latestPerMs !== undefined;
    const filter = latest ? latestFilter(latestPerMs) : (wanted ?? null);
    const target = `observe${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
    return new Observation(() => this.#client.stream(this.actorId, target, { wanted: filter, latest }), name);
  }
}

/**
 * @param {import("./client.js").TrebuchetClient} client
 * @param {string} actorId
 * @returns {any}
 */
export function actorProxy(client, actorId) {
  const actor = new ActorProxy(client, actorId);
  const own = new Set(["actorId", "call", "observe"]);
  return new Proxy(Object.freeze(actor), {
    get(target, name) {
      if (TEXT_OF.has(name)) return () => actorId;
      if (typeof name === "symbol" || NOT_METHODS.has(name)) return undefined;
      if (own.has(name)) return Reflect.get(target, name, target);
      return (/** @type {unknown[]} */ ...values) => target.call(name, values);
    },
  });
}

/** @param {number} milliseconds @returns {import("./index.js").StreamFilter} */
function latestFilter(milliseconds) {
  return { type: "custom", name: "latest", parameters: { window: String(milliseconds) } };
}

/** @param {unknown} value @param {string} where */
function toDocument(value, where) {
  try {
    return stringify(value);
  } catch (error) {
    throw new TypeError(`${where}: ${error instanceof Error ? error.message : error}`);
  }
}
