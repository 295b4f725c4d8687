// Asking for the API's key.

import { dropKey, hasKey, keepKey } from "./api.js";
import { say } from "./dom.js";

const form = document.getElementById("key");
const field = document.getElementById("key-text");

/** `retry` is called once there is a key to try. */
export function askForKey(retry) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey(field.value);
    field.value = "";
    retry();
  });
}

/** The API refused: show the form, and say so where a key was tried. */
export function keyWanted() {
  say(document.getElementById("key-wrong"), hasKey() ? "The API does not know this key." : "");
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
