// Questions to the API: what has not changed is not sent again, and the key goes with each.

const PATIENCE = 10_000;
const KEY = "firehose-api-key";

/** The API wants its key, or another one than `tried` (null: none was sent). */
export class KeyWanted extends Error {
  constructor(tried) {
    super("The API wants its key.");
    this.tried = tried;
  }
}

/** The API answered with an error that it explains; `code` is stable. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? `The API answered ${status}.`);
    this.code = body.code ?? "";
  }
}

/** There was no answer at all, or none of the API's. */
export class Away extends Error {}

export function keepKey(key) {
  sessionStorage.setItem(KEY, key);
}

/** null where there is none. */
export function heldKey() {
  return sessionStorage.getItem(KEY);
}

export function dropKey() {
  sessionStorage.removeItem(KEY);
}

/** Asks paths, and remembers the newest answer of each name with its ETag. */
export class Api {
  #held = new Map();

  /** The answer under a name: the same object as before where it has not changed. */
  async ask(name, path) {
    const held = this.#held.get(name);
    const known = held?.path === path ? held : undefined;
    const key = heldKey();
    const answer = await this.#send(path, known?.etag, key);
    if (answer.status === 304 && known) return known.data;
    const data = await body(answer);
    if (answer.status === 401) throw new KeyWanted(key);
    if (!answer.ok) throw new Problem(answer.status, data);
    this.#held.set(name, { path, data, etag: answer.headers.get("ETag") });
    return data;
  }

  async #send(path, etag, key) {
    const headers = {};
    if (etag) headers["If-None-Match"] = etag;
    if (key !== null) headers["X-API-Key"] = key;
    try {
      // The browser's own cache would hide whether anything is new.
      return await fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    } catch (error) {
      throw new Away("The API does not answer.", { cause: error });
    }
  }
}

async function body(answer) {
  try {
    return await answer.json();
  } catch (error) {
    throw new Away(`Not the API's answer (${answer.status}).`, { cause: error });
  }
}
