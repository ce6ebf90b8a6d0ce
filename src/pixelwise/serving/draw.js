// Drawing of a prediction over its image. `state`, `find` and `view` are defined in page.js.
"use strict";

const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

// Layer over the image, as a canvas of the same size; drawn again only if something changed.
function layer() {
  const { width, height } = state.prediction;
  const key = [state.requests, view(), state.highlighted, ...state.hidden].join(" ");
  if (state.drawn === key) return state.layer;
  const canvas = new OffscreenCanvas(width, height);
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  const table = view() === "confidence" ? viridis() : palette();
  const values = view() === "confidence" ? state.confidence : state.classes;
  for (let i = 0; i < values.length; i++) words[i] = table[values[i]];
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  Object.assign(state, { layer: canvas, drawn: key });
  return canvas;
}

function word(red, green, blue, alpha) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0; // byte order: red, green, blue, alpha
}

function palette() {
  const table = new Uint32Array(256);
  state.model.classes.forEach(({ color }, id) => {
    const faint = state.highlighted !== null && state.highlighted !== id;
    if (!state.hidden.has(id)) table[id] = word(...color, faint ? 40 : 255);
  });
  return table;
}

function viridis() {
  return Uint32Array.from({ length: 256 }, (_, value) => {
    const position = (value / 255) * (VIRIDIS.length - 1);
    const low = Math.min(Math.floor(position), VIRIDIS.length - 2);
    const mixed = VIRIDIS[low].map((part, i) => Math.round(part + (VIRIDIS[low + 1][i] - part) * (position - low)));
    return word(...mixed, 255);
  });
}

function draw() {
  if (!state.prediction) return;
  const canvas = find("canvas");
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const edge = Math.round((width * Number(find("split").value)) / 100);
  const overlay = view() === "overlay";
  context.clearRect(0, 0, width, height);
  if (state.bitmap) context.drawImage(state.bitmap, 0, 0, width, height);
  context.save();
  context.beginPath();
  context.rect(edge, 0, width - edge, height);
  context.clip();
  if (!overlay) context.clearRect(0, 0, width, height);
  context.globalAlpha = overlay && state.bitmap ? Number(find("opacity").value) / 100 : 1;
  context.drawImage(layer(), 0, 0);
  context.restore();
  if (edge > 0 && edge < width) {
    const wide = Math.max(1, Math.round(width / 400));
    context.fillStyle = "#fff";
    context.fillRect(edge - wide, 0, 2 * wide, height);
  }
  find("opacity-row").hidden = !overlay;
  find("scale").hidden = view() !== "confidence";
}
