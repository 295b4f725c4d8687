// Elements in few words, and lists that keep the elements they have: focus and pointer stay.

const SVG = "http://www.w3.org/2000/svg";

/** An element: h("td", {class: "num"}, "text", child). */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Set what has changed and leave the rest alone. */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
  return element;
}

/** Text that has changed is set; whether it had. */
export function say(element, text) {
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}

/** One child for each item, by its key, in their order; made once, then brought up to date. */
export function keyed(parent, items, keyOf, make, update) {
  const held = (parent.held ??= new Map());
  const wanted = new Set(items.map(keyOf));
  for (const [key, child] of held) {
    if (!wanted.has(key)) {
      child.remove();
      held.delete(key);
    }
  }
  items.forEach((item, index) => {
    const key = keyOf(item);
    const child = held.get(key) ?? make(item);
    held.set(key, child);
    update(child, item);
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}

function filled(element, attributes, children) {
  set(element, attributes);
  element.append(...children);
  return element;
}
