// Asking for the API's key.

import { dropKey, heldKey, keepKey } from "./api.js";
import { say } from "./dom.js";

const form = document.getElementById("key");
const field = document.getElementById("key-text");
const wrong = document.getElementById("key-wrong");

/** `retry` is called once there is a key to try. */
export function askForKey(retry) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey(field.value);
    field.value = "";
    say(wrong, "");
    retry();
  });
}

/** Whether there is no use in asking the API anything yet. */
export function isLocked() {
  return !form.hidden && heldKey() === null;
}

/** The API refused the key that was tried; an answer to an older one says nothing. */
export function keyWanted(tried) {
  if (tried !== heldKey()) return;
  if (tried !== null) say(wrong, "The API does not know this key.");
  dropKey();
  if (!form.hidden) return;
  form.hidden = false;
  document.body.classList.add("locked");
  field.focus();
}

export function keyTaken() {
  form.hidden = true;
  document.body.classList.remove("locked");
}
