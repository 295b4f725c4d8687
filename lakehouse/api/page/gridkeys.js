// Moving through a grid of cells: one of them takes the focus, arrow keys go on from there.

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/** `read` is called with the cell that is pointed at or has the focus. */
export class GridKeys {
  constructor(table, read) {
    this.table = table;
    const told = (event) => {
      const cell = event.target.closest("td");
      if (cell) read(cell);
    };
    for (const name of ["pointerover", "focusin", "click"]) table.addEventListener(name, told);
    table.addEventListener("keydown", (event) => this.#key(event));
    table.addEventListener("focusin", (event) => this.#hold(event.target.closest("td")));
  }

  /** After drawing: one cell can be reached by the Tab key, the newest at first. */
  settle() {
    if (this.table.querySelector('td[tabindex="0"]')) return;
    const last = this.table.tBodies[0]?.rows[0]?.lastElementChild;
    if (last?.matches("td")) last.tabIndex = 0;
  }

  #hold(cell) {
    if (!cell) return;
    for (const one of this.table.querySelectorAll('td[tabindex="0"]')) one.tabIndex = -1;
    cell.tabIndex = 0;
  }

  #key(event) {
    const cell = event.target.closest("td");
    const step = STEPS[event.key];
    if (!cell || !step) return;
    const row = this.table.tBodies[0].rows[cell.parentElement.sectionRowIndex + step[0]];
    const goal = row?.cells[cell.cellIndex + step[1]];
    if (!goal?.matches("td")) return;
    event.preventDefault();
    goal.focus();
  }
}
