"use strict";
// What the page carries in few bytes, unpacked on use: see molopt/report/frames.py.
const packed = (() => {
  async function inflate(id) {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  const text = async (id) => new TextDecoder().decode(await inflate(id));
  const molecule = async (number) => JSON.parse(await text(`molecule-${number}`));

  // The head with `positions` instead: for each frame x, y, z of each atom, in Angstrom.
  async function run(number) {
    const bytes = await inflate(`run-${number}`);
    const length = new DataView(bytes.buffer).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
    const body = bytes.subarray(4 + length), entries = body.length / 2, width = 3 * head.atoms;
    const now = new Float64Array(width), positions = [];
    for (let entry = 0; entry < entries; entry += 1) {
      const folded = body[entry] | (body[entries + entry] << 8);
      now[entry % width] += (folded >>> 1) ^ -(folded & 1);
      if ((entry + 1) % width === 0) positions.push(now.map((whole) => whole * head.step));
    }
    return { ...head, positions };
  }

  return { text, molecule, run };
})();
