"use strict";
// A click on a heading sorts by its column, a second one the other way round; what has no value stays last.
(() => {
  const texts = new Intl.Collator("en", { numeric: true });

  function valueOf(row, column, numeric) {
    const cell = row.cells[column];
    const value = cell.dataset.value ?? cell.textContent;
    if (!numeric) return value;
    return value.trim() === "" ? NaN : Number(value);
  }

  function sort(heading) {
    const table = heading.closest("table"), column = heading.cellIndex;
    const numeric = heading.classList.contains("number");
    const down = heading.getAttribute("aria-sort") === "ascending";
    const rows = Array.from(table.tBodies[0].rows, (row) => [valueOf(row, column, numeric), row]);
    const unknown = (value) => numeric && Number.isNaN(value);
    rows.sort(([one], [other]) => {
      if (unknown(one) || unknown(other)) return unknown(one) - unknown(other);
      const order = numeric ? one - other : texts.compare(one, other);
      return down ? -order : order;
    });
    for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    table.tBodies[0].append(...rows.map(([, row]) => row));
  }

  document.addEventListener("click", (event) => {
    const heading = event.target.closest("table.sorted th");
    if (heading) sort(heading);
  });
})();
