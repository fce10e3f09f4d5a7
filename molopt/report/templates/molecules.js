"use strict";
// Choosing a molecule, a run of it, and a moment of that run.
(() => {
  const DELAY = 120; // ms a frame
  const index = JSON.parse(document.getElementById("index").textContent);
  // A run's line by the names that the page gives: block, optimizer, potential, seed, lowest and cells.
  const named = (line) => Object.fromEntries(index.line.map((name, place) => [name, line[place]]));
  for (const each of index.molecules) each.runs = each.runs.map(named);
  const at = (id) => document.getElementById(id);
  const panel = at("panel"), slider = at("frame"), play = at("play"), where = at("where");
  let entry = null, molecule = null, shownMolecule = null, group = [], chosen = 0, lowest = 0, move = null, timer = null;
  let turn = 0; // of opening: what an earlier click still unpacks is dropped

  const number = (value, digits) => {
    if (value === null || !Number.isFinite(value)) return "-";
    return Math.abs(value) < 1e6 ? value.toFixed(digits) : value.toExponential(1);
  };

  async function open(button) {
    pause();
    const mine = ++turn, place = Number(button.dataset.molecule);
    for (const other of document.querySelectorAll("tr.current")) other.classList.remove("current");
    button.closest("tr").classList.add("current");
    entry = index.molecules[place];
    const unpacked = await packed.molecule(place);
    if (mine !== turn) return;
    molecule = unpacked;
    panel.querySelector(".hint").hidden = true;
    panel.querySelector(".chosen").hidden = false;
    at("molecule-name").textContent = entry.name;
    offer("potential", (value) => index.potentials[value]);
    offer("seed", String);
    await gather();
    panel.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  // A choice of potential or start, shown where there is one; what was chosen before stays.
  function offer(id, name) {
    const select = at(id), before = select.value;
    const values = [...new Set(entry.runs.map((run) => run[id]))];
    select.replaceChildren(...values.map((value) => new Option(name(value), value)));
    if (values.some((value) => String(value) === before)) select.value = before;
    select.parentNode.hidden = values.length < 2;
  }

  // The runs of this molecule from this start in this potential.
  async function gather() {
    pause();
    const mine = turn, before = group[chosen]?.line.optimizer;
    const lines = entry.runs.filter(
      (run) => String(run.potential) === at("potential").value && String(run.seed) === at("seed").value,
    );
    const runs = await Promise.all(lines.map(async (line) => {
      return { ...(await packed.run(line.block)), ...index.optimizers[line.optimizer], line };
    }));
    if (mine !== turn) return;
    group = runs;
    chosen = Math.max(0, group.findIndex((run) => run.line.optimizer === before));
    // As in the figures: neither runs that failed nor those that broke bonds say how low the molecule goes.
    const energies = group.flatMap((run) => run.energies.map((energy) => run.base + energy));
    lowest = group[0]?.line.lowest ?? energies.reduce((one, other) => Math.min(one, other), Infinity);
    if (lowest === Infinity) lowest = 0;
    list();
    choose(chosen);
  }

  function list() {
    const rows = group.map((run, place) => {
      const row = document.createElement("tr");
      const button = document.createElement("button");
      button.type = "button";
      button.append(swatch(run), run.name);
      button.addEventListener("click", () => choose(place));
      row.insertCell().append(button);
      index.columns.forEach(({ numeric, good }, column) => {
        const cell = row.insertCell(), [text, value] = [run.line.cells[column]].flat();
        cell.textContent = text;
        if (numeric) cell.classList.add("number");
        if (value !== undefined) cell.dataset.value = value;
        if (good) cell.classList.add(text === good ? "good" : "bad");
      });
      return row;
    });
    at("runs").tBodies[0].replaceChildren(...rows);
    for (const heading of at("runs").tHead.rows[0].cells) heading.removeAttribute("aria-sort");
    group.forEach((run, place) => { run.row = rows[place]; });
  }

  function swatch(look) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("class", "swatch");
    svg.setAttribute("viewBox", "0 0 28 10");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", "M1 5h26");
    line.style.stroke = look.colour;
    line.setAttribute("stroke-width", 2.6);
    line.setAttribute("stroke-dasharray", look.dashes.map((length) => length * 2.6).join(" "));
    svg.append(line);
    return svg;
  }

  // A run: its end is shown, its curve stands out, and it can be played.
  function choose(place) {
    pause();
    chosen = place;
    const run = group[place];
    for (const other of group) {
      other.row.classList.toggle("current", other === run);
      other.row.querySelector("button").setAttribute("aria-pressed", other === run);
    }
    move = curve.draw(at("curve"), group, place, lowest, (call) => { pause(); show(nearest(run, call)); });
    slider.max = run.frames.length - 1;
    for (const control of [slider, play, at("first"), at("last")]) control.disabled = run.frames.length < 2;
    show(run.frames.length - 1);
  }

  function nearest(run, call) {
    const away = run.frames.map((other) => Math.abs(Math.log(other / call)));
    return away.indexOf(Math.min(...away));
  }

  function show(frame) {
    const run = group[chosen], call = run.frames[frame], above = move(call), last = run.frames.length - 1;
    slider.value = frame;
    const moment = frame === 0 ? "start, " : frame === last ? "end, " : "";
    where.textContent = `${run.name}: ${moment}force call ${call}${above === null ? "" : `, ${number(above, 1)} meV above the lowest`}`;
    slider.setAttribute("aria-valuetext", where.textContent);
    const same = shownMolecule === molecule;
    shownMolecule = molecule;
    drawing.show(at("drawing"), molecule, run.positions[frame], same);
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  }

  function start() {
    const last = Number(slider.max);
    if (Number(slider.value) >= last) show(0);
    play.textContent = "Pause";
    timer = setInterval(() => {
      if (Number(slider.value) >= last) pause();
      else show(Number(slider.value) + 1);
    }, DELAY);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.open");
    if (button) open(button);
  });
  play.addEventListener("click", () => (timer === null ? start() : pause()));
  slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
  at("first").addEventListener("click", () => { pause(); show(0); });
  at("last").addEventListener("click", () => { pause(); show(Number(slider.max)); });
  at("potential").addEventListener("change", () => { turn += 1; gather(); });
  at("seed").addEventListener("change", () => { turn += 1; gather(); });
})();
