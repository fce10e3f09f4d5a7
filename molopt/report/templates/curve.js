"use strict";
// Energy above the lowest against force calls, both logarithmic, with a dot where the drawing is.
const curve = (() => {
  const WIDTH = 720, HEIGHT = 210, LEFT = 62, RIGHT = 14, TOP = 10, BOTTOM = 38, FLOOR = 0.01; // meV
  const NAMESPACE = "http://www.w3.org/2000/svg";

  function element(parent, name, attributes, content) {
    const made = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (content !== undefined) made.textContent = content;
    return parent.appendChild(made);
  }

  const powers = (low, high) => {
    const found = [];
    for (let power = Math.ceil(Math.log10(low)); power <= Math.log10(high) + 1e-9; power += 1) found.push(10 ** power);
    return found;
  };

  const above = (run, place, lowest) => Math.max(FLOOR, (run.base + run.energies[place] - lowest) * 1e3);

  // runs: [{calls, energies, base, colour, dashes, name}]; chosen: which of them; pick(call) is told of a click.
  function draw(holder, runs, chosen, lowest, pick) {
    const svg = document.createElementNS(NAMESPACE, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", "Energy above the lowest against force calls");
    const all = runs.flatMap((run) => run.energies.map((_, place) => above(run, place, lowest)));
    const most = Math.max(10, ...runs.flatMap((run) => run.calls));
    const high = 10 ** Math.ceil(Math.log10(Math.max(1, ...all)));
    const x = (call) => LEFT + (Math.log(call) / Math.log(most)) * (WIDTH - LEFT - RIGHT);
    const y = (value) => TOP + (Math.log(high / value) / Math.log(high / FLOOR)) * (HEIGHT - TOP - BOTTOM);

    for (const tick of powers(1, most)) {
      element(svg, "path", { d: `M${x(tick)} ${TOP}V${HEIGHT - BOTTOM}`, class: "grid" });
      element(svg, "text", { x: x(tick), y: HEIGHT - BOTTOM + 15, class: "tick", "text-anchor": "middle" }, tick);
    }
    const ticks = powers(FLOOR, high), stride = Math.ceil(ticks.length / 6);
    ticks.filter((_, place) => place % stride === 0).forEach((tick) => {
      element(svg, "path", { d: `M${LEFT} ${y(tick)}H${WIDTH - RIGHT}`, class: "grid" });
      const label = tick >= 1e6 ? tick.toExponential(0) : String(Number(tick.toPrecision(2)));
      element(svg, "text", { x: LEFT - 8, y: y(tick) + 4, class: "tick", "text-anchor": "end" }, label);
    });
    const middle = (TOP + HEIGHT - BOTTOM) / 2;
    element(svg, "text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 5, class: "axis", "text-anchor": "middle" }, "force call");
    element(svg, "text", { transform: `translate(12 ${middle}) rotate(-90)`, class: "axis", "text-anchor": "middle" }, "above lowest (meV)");

    const order = runs.map((_, place) => place).filter((place) => place !== chosen).concat(chosen);
    for (const place of order) {
      const run = runs[place], thick = place === chosen ? 2.6 : 1.2;
      const d = run.calls.map((call, point) => `${point ? "L" : "M"}${x(call).toFixed(1)} ${y(above(run, point, lowest)).toFixed(1)}`);
      const line = element(svg, "path", {
        d: d.join(""), fill: "none", style: `stroke: ${run.colour}`, "stroke-width": thick, "stroke-linejoin": "round",
        "stroke-dasharray": run.dashes.map((length) => length * thick).join(" "), opacity: place === chosen ? 1 : 0.45,
      });
      element(line, "title", {}, run.name);
    }
    const dot = element(svg, "circle", { r: 6, style: `fill: ${runs[chosen].colour}`, "stroke-width": 2, class: "dot" });
    svg.addEventListener("click", (event) => {
      const across = (event.clientX - svg.getBoundingClientRect().left) / svg.getBoundingClientRect().width;
      pick(Math.exp(((across * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT)) * Math.log(most)));
    });
    holder.replaceChildren(svg);

    // Moves the dot to a force call; what its energy is above the lowest, meV, or null where that is not known.
    return (call) => {
      const run = runs[chosen], place = run.calls.findLastIndex((other) => other <= call);
      dot.style.display = place < 0 ? "none" : "";
      if (place < 0) return null;
      dot.setAttribute("cx", x(run.calls[place]));
      dot.setAttribute("cy", y(above(run, place, lowest)));
      return (run.base + run.energies[place] - lowest) * 1e3;
    };
  }

  return { draw };
})();
