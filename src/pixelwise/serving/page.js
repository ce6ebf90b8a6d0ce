// The page at `/`: sends one image at a time to v1/segment and draws the predicted classes over it.
"use strict";

const PAGE = "application/vnd.pixelwise.page+json";
const find = (id) => document.getElementById(id);
const state = {
  model: null, token: "", file: null, bitmap: null, prediction: null, classes: null, confidence: null,
  hidden: new Set(), highlighted: null, requests: 0, layer: null, drawn: "",
};

function headers(more) {
  return state.token ? { ...more, Authorization: `Bearer ${state.token}` } : { ...more };
}

function showError(message) {
  find("error").textContent = message;
  find("error").hidden = !message;
  if (message) find("error").scrollIntoView({ block: "nearest" });
}

// The response to a request, or null after an error was shown.
async function request(address, options = {}) {
  let response;
  try {
    response = await fetch(address, { ...options, headers: headers(options.headers) });
  } catch {
    showError("The server does not respond. Check that it is running.");
    return null;
  }
  if (response.ok) return response;
  const content = await response.json().catch(() => ({}));
  if (response.status === 401) find("token").hidden = false;
  showError(content.error ?? `The server responded with status ${response.status}.`);
  return null;
}

function segment(file, kind) {
  const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
  return request("v1/segment", { method: "POST", body: file, headers: { Accept: kind, "Content-Type": type } });
}

async function openFile(file) {
  if (!file) return;
  await ready;
  if (!state.model) return; // without the classes nothing can be drawn; an error is shown already
  const number = ++state.requests;
  showError("");
  find("busy").hidden = false;
  const began = performance.now();
  try {
    const response = await segment(file, PAGE);
    if (!response || number !== state.requests) return; // another image was opened in the meantime
    const seconds = (performance.now() - began) / 1000;
    const prediction = await response.json();
    const [classes, confidence, bitmap] = await Promise.all([
      grayValues(prediction.classes), prediction.confidence && grayValues(prediction.confidence),
      createImageBitmap(file).catch(() => null),
    ]);
    if (number !== state.requests) return;
    Object.assign(state, { file, prediction, classes, confidence, bitmap, highlighted: null });
    show(file.name, seconds);
  } finally {
    if (number === state.requests) find("busy").hidden = true;
  }
}

// Pixel values of a gray-scale PNG in base64.
async function grayValues(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }), {
    colorSpaceConversion: "none", premultiplyAlpha: "none",
  });
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  context.drawImage(picture, 0, 0);
  const colors = context.getImageData(0, 0, picture.width, picture.height).data;
  const values = new Uint8Array(picture.width * picture.height);
  for (let i = 0; i < values.length; i++) values[i] = colors[4 * i];
  return values;
}

function show(name, seconds) {
  const { width, height } = state.prediction;
  find("caption").textContent = `${name || "pasted image"}, ${width}×${height}, ${seconds.toFixed(2)} s`;
  for (const id of ["result", "panel"]) find(id).hidden = false;
  const confidence = document.querySelector("[name=view][value=confidence]");
  confidence.parentElement.hidden = !state.confidence;
  if (!state.confidence && confidence.checked) document.querySelector("[name=view][value=overlay]").checked = true;
  if (!state.bitmap) showError("This browser cannot display the file format. Only the classes are shown.");
  find("canvas").width = width;
  find("canvas").height = height;
  listClasses();
  draw();
  find("result").scrollIntoView({ block: "nearest" }); // on a phone the result is below the button
}

const view = () => document.querySelector("[name=view]:checked").value;

function listClasses() {
  const rows = state.model.classes.map((model, id) => ({ ...model, id, share: state.prediction.shares[id] }));
  rows.sort((a, b) => b.share - a.share);
  find("classes").replaceChildren(...rows.map(({ id, name, color, share }) => {
    const item = document.createElement("li");
    const label = document.createElement("label");
    const box = document.createElement("input");
    const swatch = document.createElement("i");
    const text = document.createElement("span");
    const part = document.createElement("span");
    box.type = "checkbox";
    box.checked = !state.hidden.has(id);
    box.addEventListener("change", () => {
      if (box.checked) state.hidden.delete(id);
      else state.hidden.add(id);
      draw();
    });
    swatch.style.background = `rgb(${color.join(" ")})`;
    text.textContent = name;
    text.className = "name";
    part.textContent = share ? (share < 0.0005 ? "<0.1 %" : `${(100 * share).toFixed(1)} %`) : "";
    part.className = "share";
    if (!share) label.className = "absent";
    label.append(box, swatch, text, part);
    for (const event of ["pointerenter", "focusin"]) label.addEventListener(event, () => highlight(id));
    for (const event of ["pointerleave", "focusout"]) label.addEventListener(event, () => highlight(null));
    item.append(label);
    return item;
  }));
}

function highlight(id) {
  if (state.highlighted === id) return;
  state.highlighted = id;
  draw();
}

function toggleAll(hide) {
  state.hidden = new Set(hide ? state.model.classes.keys() : []);
  listClasses();
  draw();
}

// Position of the pointer, in pixels of the image.
function position(event) {
  const canvas = find("canvas");
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const x = Math.floor((event.clientX - box.left - (box.width - canvas.width * scale) / 2) / scale);
  const y = Math.floor((event.clientY - box.top - (box.height - canvas.height * scale) / 2) / scale);
  return [x, y];
}

// Class and confidence of the pixel at the pointer.
function describePixel(event) {
  const { width, height } = find("canvas");
  const [x, y] = position(event);
  if (x < 0 || y < 0 || x >= width || y >= height) return "\u00a0";
  const pixel = y * width + x;
  const name = state.model.classes[state.classes[pixel]].name;
  return state.confidence ? `${name}, confidence ${Math.round((100 * state.confidence[pixel]) / 255)} %` : name;
}

// Dragging over the image moves the border between the image and its classes.
function drag(event) {
  if (!(event.buttons & 1)) return;
  find("split").value = Math.max(0, Math.min(100, (100 * position(event)[0]) / find("canvas").width));
  draw();
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const stem = () => (state.file.name || "image").replace(/\.[^.]*$/, "");

async function download(kind, suffix) {
  const response = await segment(state.file, kind);
  if (response) save(await response.blob(), `${stem()}_${suffix}`);
}

async function start() {
  const response = await request("v1/model");
  if (!response) return;
  state.model = await response.json();
  find("token").hidden = true;
  find("name").textContent = `pixelwise · ${state.model.name}`;
  document.title = `${state.model.name} · pixelwise`;
  const thumbs = await Promise.all(Array.from({ length: state.model.examples }, (_, i) => example(i)));
  find("thumbs").replaceChildren(...thumbs.filter(Boolean));
  find("examples").hidden = !find("thumbs").children.length;
}

async function example(number) {
  const response = await request(`v1/examples/${number}`);
  if (!response) return null;
  const blob = await response.blob();
  const button = document.createElement("button");
  const picture = document.createElement("img");
  button.type = "button";
  picture.src = URL.createObjectURL(blob);
  picture.alt = `Example ${number + 1}`;
  button.append(picture);
  button.addEventListener("click", () => openFile(new File([blob], `example ${number + 1}`, { type: blob.type })));
  return button;
}

function first(files) {
  return [...(files ?? [])][0];
}

find("file").addEventListener("change", (event) => {
  openFile(first(event.target.files));
  event.target.value = ""; // so that the same file can be opened again
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  find("drop").classList.add("over");
});
document.addEventListener("dragleave", () => find("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  find("drop").classList.remove("over");
  openFile(first(event.dataTransfer.files));
});
document.addEventListener("paste", (event) => openFile(first(event.clipboardData.files)));
for (const id of ["split", "opacity"]) find(id).addEventListener("input", draw);
find("opacity").addEventListener("input", () => { find("opacity-value").textContent = `${find("opacity").value} %`; });
find("views").addEventListener("change", draw);
find("all").addEventListener("click", () => toggleAll(false));
find("none").addEventListener("click", () => toggleAll(true));
find("save").addEventListener("click", () => find("canvas").toBlob((blob) => save(blob, `${stem()}_overlay.png`)));
for (const button of document.querySelectorAll("[data-kind]")) {
  button.addEventListener("click", () => download(button.dataset.kind, button.dataset.suffix));
}
find("canvas").addEventListener("pointermove", (event) => { find("under").textContent = describePixel(event); });
for (const event of ["pointerdown", "pointermove"]) find("canvas").addEventListener(event, drag);
find("canvas").addEventListener("pointerleave", () => { find("under").textContent = "\u00a0"; });
find("token").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = find("secret").value;
  showError("");
  ready = start();
});
let ready = start();
