"use strict";
// Conformers one by one, or the lowest laid on one another.
(() => {
  const index = JSON.parse(document.getElementById("index").textContent);
  const at = (id) => document.getElementById(id);
  const conformers = index.conformers ?? [];
  if (!conformers.length) return;
  let run = null, molecule = null, merged = null, chosen = -1, drawn = null;

  async function unpack() {
    run ??= packed.run(0);
    molecule ??= packed.molecule(0);
    return [await run, await molecule];
  }

  // So many molecules as one, without hydrogens on carbon, which would hide the rest.
  function together(single, count) {
    const kept = single.kept, places = new Map(kept.map((atom, place) => [atom, place]));
    const bonds = single.bonds.filter((pair) => pair.every((atom) => places.has(atom)));
    const names = [], all = [];
    for (let copy = 0; copy < count; copy += 1) {
      names.push(...kept.map((atom) => single.names[atom]));
      all.push(...bonds.map((pair) => pair.map((atom) => places.get(atom) + copy * kept.length)));
    }
    return { names, bonds: all, sticks: true };
  }

  const picked = (positions, kept) => kept.flatMap((atom) => [0, 1, 2].map((axis) => positions[3 * atom + axis]));

  function mode(overlaid) {
    at("overlaid").setAttribute("aria-pressed", overlaid);
    at("one").setAttribute("aria-pressed", !overlaid);
    at("overlaid").classList.toggle("main", overlaid);
    at("one").classList.toggle("main", !overlaid);
    at("many").parentNode.hidden = !overlaid;
    for (const row of document.querySelectorAll("tr.current")) row.classList.remove("current");
    at("drawing").querySelector(".hint")?.remove();
  }

  async function show(place) {
    chosen = Math.max(0, Math.min(conformers.length - 1, place));
    mode(false);
    const mine = chosen, button = document.querySelector(`button.open[data-conformer="${mine}"]`);
    button?.closest("tr").classList.add("current");
    at("before").disabled = mine === 0;
    at("after").disabled = mine === conformers.length - 1;
    at("where").textContent = conformers[mine].said;
    at("torsions").replaceChildren(...index.torsions.flatMap((name, torsion) => {
      const term = document.createElement("dt"), value = document.createElement("dd");
      term.textContent = name;
      value.textContent = `${conformers[mine].torsions[torsion]}°`;
      return [term, value];
    }));
    const [frames, single] = await unpack();
    if (mine !== chosen || at("overlaid").getAttribute("aria-pressed") === "true") return;
    const same = drawn === single;
    drawn = single;
    drawing.show(at("drawing"), single, frames.positions[mine], same);
  }

  async function overlay() {
    mode(true);
    const count = Number(at("many").value);
    at("count").textContent = count;
    at("torsions").replaceChildren();
    at("where").textContent = count === 1 ? conformers[0].said : `Conformers 1 to ${count}; the last: ${conformers[count - 1].said}`;
    const [frames, single] = await unpack();
    if (at("overlaid").getAttribute("aria-pressed") !== "true" || Number(at("many").value) !== count) return;
    const same = drawn === merged && merged !== null;
    merged = together(single, count);
    drawn = merged;
    const positions = frames.positions.slice(0, count).flatMap((each) => picked(each, single.kept));
    drawing.show(at("drawing"), merged, positions, same);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.open");
    if (!button) return;
    show(Number(button.dataset.conformer));
    at("panel").scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
  // A level or a bar in a figure leads to its conformer, whose number its title says.
  document.getElementById("figures")?.addEventListener("click", (event) => {
    const mark = event.target.closest("svg :has(> title)");
    const number = /^conformer (\d+):/.exec(mark?.querySelector(":scope > title").textContent ?? "");
    if (!number || Number(number[1]) > conformers.length) return;
    show(Number(number[1]) - 1);
    at("conformers").scrollIntoView({ block: "start", behavior: "smooth" });
  });
  at("one").addEventListener("click", () => show(Math.max(0, chosen)));
  at("before").addEventListener("click", () => show(chosen - 1));
  at("after").addEventListener("click", () => show(chosen + 1));
  at("overlaid").addEventListener("click", overlay);
  at("many").addEventListener("input", overlay);
})();
