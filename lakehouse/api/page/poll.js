// Does something again and again: while the page can be seen, and more rarely while it fails.

const LONGEST = 15_000;

/** `work` gives true where it went well; `every` in milliseconds. */
export function poll(every, work) {
  let timer = 0;
  let failures = 0;
  let running = false;
  let again = false; // asked for while running

  async function once() {
    clearTimeout(timer);
    again = running;
    if (running || document.hidden) return;
    running = true;
    const good = await work().catch((error) => (console.error(error), false));
    running = false;
    failures = good ? 0 : failures + 1;
    if (again) return once();
    if (!document.hidden) timer = setTimeout(once, pause());
  }

  function pause() {
    return failures ? Math.max(every, Math.min(LONGEST, 1000 * 2 ** failures)) : every;
  }

  document.addEventListener("visibilitychange", once);
  once();
  return once;
}
