// The console: two users side by side, the times of their changes, and a workbench for any actor.

import { Changes } from "./changes.js";
import { find } from "./dom.js";
import { User } from "./user.js";
import { Workbench } from "./workbench.js";

const USERS = ["Ada", "Grace"];

const setup = { ...(await fetched("/setup.json")), token: takeToken() };
find(document, "#endpoint").textContent = setup.endpoint ?? "not deployed yet: wait for `make run`, then reload";

const workbench = new Workbench(find(document, "#workbench"), setup);
const known = await readActors();
const changes = new Changes(document, USERS);
const users = USERS.map((name) => new User(name, { ...setup, ids: ids(known) }, changes));
find(document, "#users").append(...users.map((user) => user.section));
window.addEventListener("focus", readActors);
await Promise.all([workbench.start(), ...users.map((user) => user.start())]);

/** Offer the actors as the sources have them now: somebody who comes back from the editor may have added one. */
async function readActors() {
  const trouble = find(document, "#trouble");
  const actors = await fetched("/actors.json");
  trouble.hidden = actors.error === undefined;
  if (actors.error) trouble.textContent = `The actors' sources cannot be read: ${actors.error}`;
  else workbench.offer(actors);
  return actors;
}

/**
 * The ids of the shipped actors that are there; `?key=…` asks for a list and a room of one's own.
 * @param {{actors?: Record<string, unknown>}} known unknown while the sources cannot be read
 */
function ids({ actors = { todos: {}, game: {} } }) {
  const key = new URLSearchParams(location.search).get("key");
  const there = ["todos", "game"].filter((name) => name in actors);
  return Object.fromEntries(there.map((name) => [name, key ? `${name}/${key}` : name]));
}

/** The token of this tab, which its field changes; it is kept until the tab is closed, and nowhere else. */
function takeToken() {
  const form = find(document, "#token");
  form.addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    sessionStorage.setItem("token", find(form, "input").value);
    location.reload();
  });
  const token = sessionStorage.getItem("token") ?? "";
  find(form, "input").value = token;
  return token || undefined;
}

/** @param {string} path */
async function fetched(path) {
  return (await fetch(path)).json();
}
