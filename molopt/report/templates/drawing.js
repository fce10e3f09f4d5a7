"use strict";
// The one molecule in 3D, made on its first use by chemiscope's viewer.
const drawing = (() => {
  const FIT = 0.6; // of the viewer's own zoom, with which only small molecules fit into a wide drawing
  const HIDDEN = "button, .modal, .modal-backdrop { display: none !important; }"; // the viewer's own settings
  let viewer = null, failed = null, active = false, sticks = false;

  function webgl() {
    const canvas = document.createElement("canvas");
    return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
  }

  async function make(holder) {
    const missing = document.getElementById("missing");
    if (missing) throw Error(JSON.parse(missing.textContent));
    if (!webgl()) throw Error("This browser has no WebGL, which the drawing needs; all else on this page works without.");
    const script = document.createElement("script");
    script.textContent = await packed.text("library");
    document.head.append(script);
    const shadow = holder.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet(), frame = document.createElement("div");
    sheet.replaceSync(HIDDEN);
    shadow.adoptedStyleSheets = [sheet];
    frame.style.height = "100%";
    shadow.append(frame);
    politely(holder);
    return new Chemiscope.MoleculeViewer(frame, [], new Chemiscope.Warnings());
  }

  // The wheel turns pages until the drawing was clicked; then it zooms until the pointer leaves.
  function politely(holder) {
    holder.addEventListener("pointerdown", () => { active = true; });
    holder.addEventListener("pointerleave", () => { active = false; });
    holder.addEventListener("wheel", (event) => {
      if (!active && !event.ctrlKey) event.stopImmediatePropagation();
    }, { capture: true });
  }

  // Draw positions (x, y, z of each atom after another); the camera stays where it is if the molecule is the same.
  // A molecule that is `sticks` is drawn without balls.
  async function show(holder, molecule, positions, same) {
    if (failed) return;
    try {
      viewer ??= await make(holder);
    } catch (error) {
      failed = error;
      holder.classList.add("failed");
      holder.textContent = error.message;
      return;
    }
    const along = (axis) => molecule.names.map((_, atom) => positions[3 * atom + axis]);
    const structure = { size: molecule.names.length, names: molecule.names, x: along(0), y: along(1), z: along(2) };
    if (molecule.bonds.length) structure.bonds = molecule.bonds.map(([one, other]) => [one, other, 1]);
    viewer.load(structure, {}, { keepOrientation: same });
    if (sticks !== Boolean(molecule.sticks)) {
      sticks = Boolean(molecule.sticks);
      viewer.applySettings({ atoms: !sticks });
    }
    viewer.highlight(undefined); // no atom; it is what makes sticks and balls of lines
    if (!same) viewer._viewer?.zoom(FIT);
  }

  return { show };
})();
