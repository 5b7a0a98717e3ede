// Elements in few words.

/**
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {any} the element, which the page has
 */
export function find(root, selector) {
  const found = root.querySelector(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}

/**
 * @param {string} tag
 * @param {Record<string, any>} [properties] of the element; `data-…` and `aria-…` become attributes
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else Reflect.set(made, name, value);
  }
  made.append(...children);
  return made;
}

/** Give a live region a text; the same text again is left alone, so that it is not read out twice. */
export function tell(/** @type {Element} */ region, /** @type {string} */ text) {
  if (region.textContent !== text) region.textContent = text;
}

/**
 * Show items as children, each kept by its key, so that focus and selection survive a change of others.
 * @template T
 * @param {Element} list
 * @param {readonly T[]} items
 * @param {{key: (item: T) => string, make: (item: T) => any, update: (row: any, item: T) => void}} how
 */
export function showAll(list, items, { key, make, update }) {
  const rows = new Map([...list.children].map((row) => [/** @type {HTMLElement} */ (row).dataset.key, row]));
  items.forEach((item, index) => {
    const row = rows.get(key(item)) ?? Object.assign(make(item), {});
    row.dataset.key = key(item);
    rows.delete(key(item));
    update(row, item);
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  for (const row of rows.values()) row.remove();
}

/** A time in milliseconds as people read it. */
export function milliseconds(/** @type {number} */ duration) {
  return duration < 10_000 ? `${Math.round(duration)} ms` : `${(duration / 1000).toFixed(1)} s`;
}
