// Looks at the pixels of a product and of what it was made from; knows no address but
// those of its own page. Without it the page shows plots, scores and forms all the same.
"use strict";

const HEAD = 72; // bytes before the pixels: 2 uint32, 8 float64, all little-endian
const BLINK = 700; // ms
const FINE = 1000; // pixels of the screen across an image
const ZOOMS = [1, 2, 4, 8];
const SVG = "http://www.w3.org/2000/svg";
const find = (selector, within = document) => within.querySelector(selector);

const articles = Array.from(document.querySelectorAll("article"));
const product = articles[0];
const members = articles.slice(1);
const chooser = find("#member");
const said = find("#said");
const stages = Array.from(document.querySelectorAll("#images figure"));
const images = new Map(); // by article: a promise of its image
const view = { member: members[0] ?? null, zoom: 1, spaxel: null, blink: 0, over: false };

const numberOf = (article) => article.dataset.number;

// Images ------------------------------------------------------------------------------

function decode(buffer) {
  const data = new DataView(buffer);
  const [columns, rows] = [data.getUint32(0, true), data.getUint32(4, true)];
  const numbers = Array.from({ length: 8 }, (_, i) => data.getFloat64(8 + 8 * i, true));
  const [low, high, ...place] = numbers;
  return { columns, rows, low, high, place, pixels: new Float32Array(buffer, HEAD) };
}

// As the eye sees it: faint things far apart, bright ones not burnt out.
function draw(image) {
  const canvas = document.createElement("canvas");
  canvas.width = image.columns;
  canvas.height = image.rows;
  const context = canvas.getContext("2d");
  const shown = context.createImageData(image.columns, image.rows);
  const scale = Math.asinh(1 / 0.08);
  for (let y = 0; y < image.rows; y += 1) {
    for (let x = 0; x < image.columns; x += 1) {
      const value = image.pixels[y * image.columns + x];
      const part = Math.min(1, Math.max(0, (value - image.low) / (image.high - image.low)));
      const at = 4 * ((image.rows - 1 - y) * image.columns + x);
      const level = Number.isNaN(value) ? 0 : 30 + (225 * Math.asinh(part / 0.08)) / scale;
      shown.data.set([level, level, level, 255], at);
    }
  }
  context.putImageData(shown, 0, 0);
  return canvas;
}

function imageOf(article) {
  if (!article || !("image" in article.dataset)) return Promise.resolve(null);
  if (!images.has(article)) {
    const loaded = fetch(`${numberOf(article)}/image`).then(async (answer) => {
      if (!answer.ok) throw new Error(await answer.text());
      const image = decode(await answer.arrayBuffer());
      return { ...image, canvas: draw(image) };
    });
    images.set(article, loaded.catch((error) => tell(String(error.message)) ?? null));
  }
  return images.get(article);
}

// The spaxel (from 0) of a member at a place of the product, and back.
function onProduct([a, b, c, d, e, f], x, y) {
  return [a * x + c * y + e, b * x + d * y + f];
}

function onMember([a, b, c, d, e, f], x, y) {
  const whole = a * d - b * c;
  return [(d * (x - e) - c * (y - f)) / whole, (a * (y - f) - b * (x - e)) / whole];
}

// An image on the grid of the product, with the spaxel marked; pixels are drawn large, so
// that the mark is fine.
function paint(canvas, image, base) {
  const context = canvas.getContext("2d");
  const size = Math.max(1, Math.ceil(FINE / base.columns));
  canvas.width = size * base.columns;
  canvas.height = size * base.rows;
  const [a, b, c, d, e, f] = image.place;
  const below = image.rows - 0.5;
  const right = e + 0.5 - 0.5 * a + c * below;
  const down = base.rows - 0.5 + 0.5 * b - d * below - f;
  context.imageSmoothingEnabled = false;
  context.setTransform(...[a, -b, -c, d, right, down].map((n) => n * size));
  context.drawImage(image.canvas, 0, 0);
  context.setTransform(size, 0, 0, size, 0, 0);
  if (!view.spaxel) return;
  const [x, y] = [view.spaxel[0], base.rows - view.spaxel[1] - 1];
  context.strokeStyle = "#ffb000";
  context.lineWidth = (2 * base.columns) / FINE;
  context.strokeRect(x, y, 1, 1);
  context.beginPath();
  for (const [across, up] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(x + 0.5 + 1.5 * across, y + 0.5 + 1.5 * up);
    context.lineTo(x + 0.5 + 5 * across, y + 0.5 + 5 * up);
  }
  context.stroke();
}

async function show() {
  for (const one of members) one.hidden = one !== view.member;
  if (chooser && view.member) chooser.value = numberOf(view.member);
  const [base, other] = [await imageOf(product), await imageOf(view.member)];
  const over = view.over && view.member;
  find("#images").hidden = !base;
  if (!base) {
    lay(over);
    return;
  }
  const shown = over && other ? view.member : product;
  find("figcaption", stages[0]).textContent = name(shown);
  stages[0].classList.toggle("over", shown !== product);
  paint(find("canvas", stages[0]), shown === product ? base : other, base);
  stages[1].hidden = !other;
  if (other) {
    find("figcaption", stages[1]).textContent = name(view.member);
    paint(find("canvas", stages[1]), other, base);
  }
  for (const stage of stages) find("canvas", stage).style.width = `${100 * view.zoom}%`;
}

for (const [place, figure] of stages.entries()) {
  const canvas = find("canvas", figure);
  canvas.addEventListener("click", async (event) => {
    const base = await imageOf(product);
    const size = canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - size.left) / size.width) * base.columns);
    const y = Math.floor(((event.clientY - size.top) / size.height) * base.rows);
    mark(base, x, base.rows - 1 - y);
  });
  const stage = find(".stage", figure);
  const other = find(".stage", stages[1 - place]);
  stage.addEventListener("scroll", () => other.scrollTo(stage.scrollLeft, stage.scrollTop));
}

// Without images the plots themselves are blinked.
function lay(over) {
  find(".plot.over", product)?.remove();
  const own = find(".plot", product);
  const other = view.member && find(".plot", view.member);
  if (own) own.hidden = Boolean(over && other);
  if (!own || !over || !other) return;
  const copy = other.cloneNode(true);
  copy.classList.add("over");
  own.after(copy);
}

const name = (article) => find("h2", article).firstChild.textContent.trim();

function tell(text) {
  said.textContent = text;
}

function blink() {
  const isOn = view.blink !== 0 || view.over;
  clearInterval(view.blink);
  view.blink = 0;
  view.over = false;
  if (!isOn && view.member) {
    view.over = true;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!isCalm) view.blink = setInterval(turn, BLINK);
  }
  find("#blink").setAttribute("aria-pressed", String(!isOn && Boolean(view.member)));
  show();
}

function turn() {
  view.over = !view.over;
  show();
}

async function zoom() {
  view.zoom = ZOOMS[(ZOOMS.indexOf(view.zoom) + 1) % ZOOMS.length];
  await show();
  tell(`zoom ${view.zoom}`);
  const stage = find(".stage", stages[0]);
  const base = await imageOf(product);
  if (!base) return;
  const [x, y] = view.spaxel ?? [base.columns / 2, base.rows / 2];
  const wide = find("canvas", stage).getBoundingClientRect();
  const left = (x / base.columns) * wide.width - stage.clientWidth / 2;
  const top = (1 - y / base.rows) * wide.height - stage.clientHeight / 2;
  stage.scrollTo(left, top);
}

function choose(step) {
  if (!members.length) return;
  const at = members.indexOf(view.member) + step;
  view.member = members[(at + members.length) % members.length];
  tell(`beside it: ${name(view.member)}`);
  show();
  spectra();
}

// Spectra -----------------------------------------------------------------------------

let range = null;
let last = []; // the spectra that are shown
let asked = 0;

// Marks at once, so that a key that is held down loses no step.
async function mark(base, x, y) {
  const keep = (value, size) => Math.min(size - 1, Math.max(0, value));
  view.spaxel = [keep(x, base.columns), keep(y, base.rows)];
  await show();
  await spectra();
}

async function spectrumOf(article, x, y) {
  const answer = await fetch(`${numberOf(article)}/spectrum?x=${x + 1}&y=${y + 1}`);
  return answer.ok ? answer.json() : { problem: await answer.text() };
}

async function spectra() {
  if (!view.spaxel) return;
  asked += 1;
  const mine = asked;
  const wanted = [];
  if ("cube" in product.dataset) wanted.push(["product", product, ...view.spaxel]);
  const other = await imageOf(view.member);
  if (other && "cube" in view.member.dataset) {
    const [x, y] = onMember(other.place, ...view.spaxel).map(Math.round);
    const isThere = x >= 0 && y >= 0 && x < other.columns && y < other.rows;
    if (isThere) wanted.push(["member", view.member, x, y]);
  }
  const found = await Promise.all(
    wanted.map(async ([kind, article, x, y]) => ({
      kind,
      name: name(article),
      ...(await spectrumOf(article, x, y)),
    })),
  );
  if (mine !== asked) return; // somebody was quicker
  last = found.filter((one) => one.flux);
  for (const one of found) if (one.problem) tell(one.problem);
  find("#spectrum").hidden = last.length === 0;
  const [x, y] = view.spaxel;
  find("#spaxel").textContent = `at ${x + 1}, ${y + 1}`;
  plot();
}

function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(at);
  return found.map((at) => Number(at.toPrecision(10)));
}

function element(kind, attributes, text = "") {
  const made = document.createElementNS(SVG, kind);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function within(one) {
  const [low, high] = range ?? [-Infinity, Infinity];
  const kept = one.wave.map((w, i) => i).filter((i) => one.wave[i] >= low && one.wave[i] <= high);
  return kept.filter((i) => one.flux[i] !== null);
}

function plot() {
  const svg = find("#spectrum svg");
  svg.replaceChildren();
  const box = { left: 80, right: 1190, top: 22, bottom: 262 };
  const indices = last.map(within);
  const waves = last.flatMap((one, n) => indices[n].map((i) => one.wave[i]));
  if (!waves.length) {
    svg.append(element("text", { x: 90, y: 60 }, "no values here"));
    return;
  }
  const fluxes = last.flatMap((one, n) => indices[n].map((i) => one.flux[i]));
  fluxes.sort((a, b) => a - b);
  const part = (p) => fluxes[Math.round(p * (fluxes.length - 1))];
  // The strongest residuals of sky lines may be cut: 0.5 % at either end.
  const margin = 0.15 * (part(0.995) - part(0.005)) || 1;
  const [low, high] = [part(0.005) - margin, part(0.995) + margin];
  const [first, end] = [waves.reduce((a, b) => Math.min(a, b)), waves.reduce((a, b) => Math.max(a, b))];
  const x = (wave) => box.left + ((wave - first) / (end - first || 1)) * (box.right - box.left);
  const y = (flux) => {
    const at = box.bottom - ((flux - low) / (high - low)) * (box.bottom - box.top);
    return Math.min(box.bottom, Math.max(box.top, at));
  };
  const { left, right, top, bottom } = box;
  svg.append(element("path", { class: "axis", d: `M${left},${top}V${bottom}H${right}` }));
  for (const at of ticks(first, end, 8)) {
    svg.append(element("path", { class: "axis", d: `M${x(at)},${bottom}v5` }));
    svg.append(element("text", { x: x(at), y: 280, "text-anchor": "middle" }, `${at}`));
  }
  for (const at of ticks(low, high, 5)) {
    svg.append(element("path", { class: "axis", d: `M${left},${y(at)}h-5` }));
    svg.append(element("text", { x: 70, y: y(at) + 4, "text-anchor": "end" }, `${at}`));
  }
  const line = (one, n, values) =>
    indices[n]
      .filter((i) => values[i] !== null)
      .map((i, k) => `${k ? "L" : "M"}${x(one.wave[i]).toFixed(1)},${y(values[i]).toFixed(1)}`)
      .join("");
  let at = 90;
  for (const [n, one] of Array.from(last.entries()).reverse()) {
    if (one.noise && one.kind === "product") {
      svg.append(element("path", { class: "noise", d: line(one, n, one.noise) }));
    }
    svg.append(element("path", { class: one.kind, d: line(one, n, one.flux) }));
  }
  for (const one of last) {
    const noise = one.noise && one.kind === "product" ? " (dashed: its noise)" : "";
    const told = `${one.name} at ${one.x}, ${one.y}${noise}`;
    svg.append(element("text", { x: at, y: 14, class: `${one.kind}-name` }, told));
    at += 60 + 7 * told.length;
  }
  svg.append(element("text", { x: 1190, y: 297, "text-anchor": "end" }, last[0].wave_unit));
  svg.append(element("text", { x: 5, y: 297 }, last[0].unit));
  find("#wave-unit").textContent = last[0].wave_unit;
}

function setRange(event) {
  event.preventDefault();
  const numbers = [event.target.low, event.target.high].map((i) => parseFloat(i.value));
  const [low, high] = numbers.map((n, k) => (Number.isNaN(n) ? [-Infinity, Infinity][k] : n));
  range = low < high ? [low, high] : null;
  plot();
}

// Forms -------------------------------------------------------------------------------

const verdict = find(".verdict");

function mustSay() {
  const chosen = verdict.elements.verdict.value;
  const radio = chosen && find(`input[value=${chosen}]`, verdict);
  verdict.elements.comment.required = Boolean(radio && "mustSay" in radio.dataset);
}

function prepare(word) {
  find(`input[value=${word}]`, verdict).checked = true;
  mustSay();
  verdict.elements.comment.focus();
  verdict.scrollIntoView({ block: "nearest" });
}

// What else was typed on the page stays: only what was said is put in place.
async function keepComment(event) {
  event.preventDefault();
  const form = event.target;
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, { method: "POST", body });
  const text = await answer.text();
  if (!answer.ok) {
    tell(text);
    return;
  }
  const here = form.previousElementSibling;
  const page = new DOMParser().parseFromString(text, "text/html");
  const now = find(`[data-comments="${here.dataset.comments}"]`, page);
  here.replaceWith(document.adoptNode(now));
  form.elements.comment.blur();
  tell("comment kept");
}

// Keys --------------------------------------------------------------------------------

function step(by) {
  const links = Array.from(document.querySelectorAll("nav a"));
  const here = links.findIndex((link) => link.hasAttribute("aria-current"));
  links[(here + by + links.length) % links.length].click();
}

const keys = {
  a: () => prepare("accept"),
  r: () => prepare("reject"),
  n: () => step(1),
  p: () => step(-1),
  m: () => choose(1),
  M: () => choose(-1),
  b: blink,
  z: zoom,
  c: () => find("textarea", view.member ?? product).focus(),
  s: () => {
    if (find("#images").hidden) tell("there is no image");
    else find(".stage").focus();
  },
  "?": () => find(".keys").toggleAttribute("open"),
};

async function arrow(event) {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const move = moves[event.key];
  if (!move || !event.target.classList.contains("stage")) return;
  event.preventDefault();
  const base = await imageOf(product);
  if (!base) return;
  const by = event.shiftKey ? 10 : 1;
  const [x, y] = view.spaxel ?? [Math.floor(base.columns / 2), Math.floor(base.rows / 2)];
  mark(base, x + by * move[0], y + by * move[1]);
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=radio]), textarea, select");
  if (event.key === "Escape") event.target.blur();
  if (event.key === "Enter" && event.ctrlKey && event.target.form) {
    event.target.form.requestSubmit();
  }
  arrow(event);
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
  if (!Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});

for (const form of document.querySelectorAll("form.comment")) {
  form.addEventListener("submit", keepComment);
}
verdict.addEventListener("change", mustSay);
find(".range").addEventListener("submit", setRange);
find(".range").addEventListener("reset", () => {
  range = null;
  plot();
});
find("#blink").addEventListener("click", blink);
find("#zoom").addEventListener("click", zoom);
chooser?.addEventListener("change", () => choose(chooser.selectedIndex - members.indexOf(view.member)));
find(".tools").hidden = false;
mustSay();
show();
