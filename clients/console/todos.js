// A user's view of the list of things to do. The list is the server's: nothing is shown before it is true.

import { element, find, showAll } from "./dom.js";
import { SharedActor } from "./shared_actor.js";

/** @typedef {{id: string, title: string, completed: boolean}} Todo */

/** The card of a TodoList. */
export class TodoCard {
  #card;
  #list;

  title = "To do";

  /** @param {HTMLElement} card @param {string} actorId @param {import("./shared_actor.js").Surroundings} around */
  constructor(card, actorId, around) {
    this.#card = card;
    this.#list = new SharedActor(card, actorId, around);
    this.actor = this.#list;
    find(card, ".list").setAttribute("aria-label", `To do, as ${around.user} sees it`);
    find(card, ".add input").setAttribute("aria-label", `New thing to do, from ${around.user}`);
    find(card, ".add").addEventListener("submit", (/** @type {SubmitEvent} */ event) => this.#add(event));
    find(card, ".clear").addEventListener("click", () => this.#clear());
  }

  /** Show the list from now on. */
  async follow() {
    await this.#list.follow(({ todos }) => this.#show(todos));
  }

  /** @param {Todo[]} todos */
  #show(todos) {
    const open = todos.filter((todo) => !todo.completed).length;
    find(this.#card, ".count").textContent = `${open} of ${todos.length} open`;
    find(this.#card, ".clear").disabled = open === todos.length;
    const empty = find(this.#card, ".empty");
    empty.textContent = "Nothing to do. Add something.";
    empty.hidden = todos.length > 0;
    showAll(find(this.#card, ".list"), todos, {
      key: (todo) => todo.id,
      make: (todo) => this.#row(todo),
      update: (row, todo) => {
        const box = find(row, "input");
        box.checked = todo.completed;
        box.disabled = false;
        find(row, ".title").textContent = todo.title;
        find(row, "button").setAttribute("aria-label", `Remove ${todo.title}`);
        row.classList.toggle("done", todo.completed);
      },
    });
  }

  /** @param {Todo} todo */
  #row(todo) {
    const { title } = todo;
    const box = element("input", { type: "checkbox" });
    const remove = element("button", { type: "button", className: "icon quiet", textContent: "×" });
    box.addEventListener("change", () => this.#toggle(todo, box));
    remove.addEventListener("click", () => this.#remove(todo, remove));
    const label = element("label", {}, box, element("span", { className: "title", textContent: title }));
    return element("li", {}, label, remove);
  }

  /** @param {SubmitEvent} event */
  async #add(event) {
    event.preventDefault();
    const field = find(this.#card, ".add input");
    const title = field.value;
    field.value = "";
    const seen = (/** @type {Todo} */ added) => has((todo) => todo.id === added.id);
    const done = await this.#list.act(`added “${title.trim()}”`, "addTodo", [title], seen);
    if (!done && field.value === "") field.value = title;
  }

  /** @param {Todo} todo @param {HTMLInputElement} box */
  async #toggle({ id, title }, box) {
    const wanted = box.checked;
    const text = wanted ? `ticked “${title}” off` : `took the tick at “${title}” back`;
    const seen = (/** @type {Todo} */ now) => has((todo) => todo.id === id && todo.completed === now.completed);
    const done = await this.#list.act(text, "toggleTodo", [id], seen);
    if (!done) box.checked = !wanted;
  }

  /** @param {Todo} todo @param {HTMLElement} button */
  async #remove({ id, title }, button) {
    const row = button.closest("li");
    const neighbour = row?.nextElementSibling ?? row?.previousElementSibling;
    const gone = () => (/** @type {any} */ state) => !has((todo) => todo.id === id)(state);
    const done = await this.#list.act(`removed “${title}”`, "removeTodo", [id], gone);
    // The focus was on what is gone: it goes to the next one, not to the top of the page.
    if (done) (neighbour?.querySelector("button") ?? find(this.#card, ".add input")).focus();
  }

  async #clear() {
    const cleared = () => (/** @type {any} */ state) => !has((todo) => todo.completed)(state);
    const done = await this.#list.act("cleared what was ticked off", "clearCompleted", [], cleared);
    if (done) find(this.#card, ".add input").focus();
  }
}

/** @param {(todo: Todo) => boolean} wanted @returns {(state: {todos: Todo[]}) => boolean} */
function has(wanted) {
  return (state) => state.todos.some(wanted);
}
