// The page at `/`: one image at a time goes to v1/segment, and what comes back is drawn over it.
"use strict";

const PAGE = "application/vnd.pixelwise.page+json";
const find = (id) => document.getElementById(id);
const state = {
  model: null, token: "", file: null, bitmap: null, answer: null, classes: null, confidence: null,
  hidden: new Set(), highlighted: null, asked: 0, layer: null, drawn: "",
};

function headers(more) {
  return state.token ? { ...more, Authorization: `Bearer ${state.token}` } : { ...more };
}

function say(sentence) {
  find("error").textContent = sentence;
  find("error").hidden = !sentence;
  if (sentence) find("error").scrollIntoView({ block: "nearest" });
}

// The answer to a request, or null after the reason was shown.
async function ask(address, options = {}) {
  let response;
  try {
    response = await fetch(address, { ...options, headers: headers(options.headers) });
  } catch {
    say("The server does not answer: is it still running?");
    return null;
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  if (response.status === 401) find("token").hidden = false;
  say(told.error ?? `The server answered ${response.status}.`);
  return null;
}

function segment(file, kind) {
  const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
  return ask("v1/segment", { method: "POST", body: file, headers: { Accept: kind, "Content-Type": type } });
}

async function take(file) {
  if (!file) return;
  await ready;
  if (!state.model) return; // without its classes nothing can be drawn; what is missing was said
  const number = ++state.asked;
  say("");
  find("busy").hidden = false;
  const began = performance.now();
  try {
    const response = await segment(file, PAGE);
    if (!response || number !== state.asked) return; // another image was given meanwhile
    const seconds = (performance.now() - began) / 1000;
    const answer = await response.json();
    const [classes, confidence, bitmap] = await Promise.all([
      gray(answer.classes), answer.confidence && gray(answer.confidence), createImageBitmap(file).catch(() => null),
    ]);
    if (number !== state.asked) return;
    Object.assign(state, { file, answer, classes, confidence, bitmap, highlighted: null });
    show(file.name, seconds);
  } finally {
    if (number === state.asked) find("busy").hidden = true;
  }
}

// The values of a gray PNG in base64.
async function gray(base64) {
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
  const { width, height } = state.answer;
  find("caption").textContent = `${name || "pasted image"}, ${width}×${height}, ${seconds.toFixed(2)} s`;
  for (const id of ["result", "panel"]) find(id).hidden = false;
  const sure = document.querySelector("[name=view][value=confidence]");
  sure.parentElement.hidden = !state.confidence;
  if (!state.confidence && sure.checked) document.querySelector("[name=view][value=overlay]").checked = true;
  if (!state.bitmap) say("This browser cannot show such a file: here are its classes alone.");
  find("canvas").width = width;
  find("canvas").height = height;
  list();
  draw();
  find("result").scrollIntoView({ block: "nearest" }); // on a phone it lies below what was pressed
}

const view = () => document.querySelector("[name=view]:checked").value;

function list() {
  const places = state.model.classes.map((about, id) => ({ ...about, id, share: state.answer.shares[id] }));
  places.sort((a, b) => b.share - a.share);
  find("classes").replaceChildren(...places.map(({ id, name, color, share }) => {
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
  list();
  draw();
}

// Where the pointer is, in pixels of the image.
function place(event) {
  const canvas = find("canvas");
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const x = Math.floor((event.clientX - box.left - (box.width - canvas.width * scale) / 2) / scale);
  const y = Math.floor((event.clientY - box.top - (box.height - canvas.height * scale) / 2) / scale);
  return [x, y];
}

// Which class lies under the pointer, and how sure the network is of it.
function under(event) {
  const { width, height } = find("canvas");
  const [x, y] = place(event);
  if (x < 0 || y < 0 || x >= width || y >= height) return "\u00a0";
  const pixel = y * width + x;
  const name = state.model.classes[state.classes[pixel]].name;
  return state.confidence ? `${name}, ${Math.round((100 * state.confidence[pixel]) / 255)} % sure` : name;
}

// Before and after, by drawing over the image itself.
function drag(event) {
  if (!(event.buttons & 1)) return;
  find("split").value = Math.max(0, Math.min(100, (100 * place(event)[0]) / find("canvas").width));
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

async function download(kind, end) {
  const response = await segment(state.file, kind);
  if (response) save(await response.blob(), `${stem()}_${end}`);
}

async function start() {
  const response = await ask("v1/model");
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
  const response = await ask(`v1/examples/${number}`);
  if (!response) return null;
  const blob = await response.blob();
  const button = document.createElement("button");
  const picture = document.createElement("img");
  button.type = "button";
  picture.src = URL.createObjectURL(blob);
  picture.alt = `Example ${number + 1}`;
  button.append(picture);
  button.addEventListener("click", () => take(new File([blob], `example ${number + 1}`, { type: blob.type })));
  return button;
}

function first(files) {
  return [...(files ?? [])][0];
}

find("file").addEventListener("change", (event) => {
  take(first(event.target.files));
  event.target.value = ""; // the same file may be given again
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  find("drop").classList.add("over");
});
document.addEventListener("dragleave", () => find("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  find("drop").classList.remove("over");
  take(first(event.dataTransfer.files));
});
document.addEventListener("paste", (event) => take(first(event.clipboardData.files)));
for (const id of ["split", "opacity"]) find(id).addEventListener("input", draw);
find("opacity").addEventListener("input", () => { find("opacity-value").textContent = `${find("opacity").value} %`; });
find("views").addEventListener("change", draw);
find("all").addEventListener("click", () => toggleAll(false));
find("none").addEventListener("click", () => toggleAll(true));
find("save").addEventListener("click", () => find("canvas").toBlob((blob) => save(blob, `${stem()}_overlay.png`)));
for (const button of document.querySelectorAll("[data-kind]")) {
  button.addEventListener("click", () => download(button.dataset.kind, button.dataset.end));
}
find("canvas").addEventListener("pointermove", (event) => { find("under").textContent = under(event); });
for (const event of ["pointerdown", "pointermove"]) find("canvas").addEventListener(event, drag);
find("canvas").addEventListener("pointerleave", () => { find("under").textContent = "\u00a0"; });
find("token").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = find("secret").value;
  say("");
  ready = start();
});
let ready = start();
