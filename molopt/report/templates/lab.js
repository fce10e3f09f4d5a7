"use strict";
// Plays the paths of optimizers on a surface: a dot each, and what it has gone through so far.
(() => {
  const NAMESPACE = "http://www.w3.org/2000/svg", SECONDS = 8, PER_SECOND = 30;
  const maps = JSON.parse(document.getElementById("index").textContent);

  function element(parent, name, attributes) {
    const made = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return parent.appendChild(made);
  }

  for (const holder of document.querySelectorAll("[data-paths]")) {
    const paths = maps[Number(holder.dataset.paths)], svg = holder.querySelector("svg");
    const bar = holder.parentElement.querySelector(".player"), [button, slider, output] = bar.children;
    const last = Math.max(...paths.map((path) => path.points.length)) - 1;
    const overlay = element(svg, "g", {});
    const shown = paths.map((path) => ({
      trail: element(overlay, "polyline", { fill: "none", style: `stroke:${path.colour}`, "stroke-width": 2.4, "stroke-linejoin": "round" }),
      dot: element(overlay, "circle", { r: 4.5, style: `fill:${path.colour}`, stroke: "white", "stroke-width": 1.2 }),
    }));
    let timer = null, at = last;
    slider.max = last;
    bar.hidden = false;

    function show(call) {
      at = Math.min(last, call);
      slider.value = at;
      const whole = at === last && timer === null;
      overlay.style.display = whole ? "none" : "";
      paths.forEach((path, place) => {
        const end = Math.min(Math.round(at), path.points.length - 1), [x, y] = path.points[end];
        shown[place].trail.setAttribute("points", path.points.slice(0, end + 1).map((point) => point.join(",")).join(" "));
        shown[place].dot.setAttribute("cx", x);
        shown[place].dot.setAttribute("cy", y);
      });
      output.textContent = `force call ${Math.round(at) + 1} of ${last + 1}`;
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      button.textContent = "Play";
      show(at);
    }

    button.addEventListener("click", () => {
      if (timer !== null) { stop(); return; }
      if (at >= last) at = 0;
      button.textContent = "Pause";
      timer = setInterval(() => {
        show(at + Math.max(last / (SECONDS * PER_SECOND), 0.1));
        if (at >= last) stop();
      }, 1000 / PER_SECOND);
    });
    slider.addEventListener("input", () => { if (timer !== null) stop(); show(Number(slider.value)); });
    show(last);
  }
})();
