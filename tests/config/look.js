// What the tests look at in the board's page; browser.py puts this before each of its questions.

const near = (a, b) => Math.abs(a - b) < 14;

/** How many pixels of a chart have a colour of its series, or of a heat map; axes and grid are grey. */
function painted(panel) {
  const canvas = panel.querySelector("canvas");
  if (!canvas?.width) return 0;
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const wanted = colours(panel);
  const hit =
    panel.dataset.type === "heatmap"
      ? ([r, g, b]) => b - r > 60 && g >= r // the blues of the light page; exemplars are not
      : (p) => wanted.some((colour) => colour.every((value, i) => near(value, p[i])));
  let count = 0;
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] > 250 && hit([data[i], data[i + 1], data[i + 2]])) count++;
  return count;
}

function colours(panel) {
  const named = [...panel.querySelectorAll(".legend [data-colour]")].map(({ dataset }) => dataset.colour);
  return [...new Set(named)].map((colour) => colour.match(/\w\w/g).map((byte) => parseInt(byte, 16)));
}

/** Whether a number can be read: it has a height, and lies inside its box, which lies inside its panel. */
function seen(panel, one) {
  const number = (one.querySelector(".stat-value, .dial, b") ?? one).getBoundingClientRect();
  const box = one.getBoundingClientRect();
  return number.height > 8 && inside(number, box) && inside(box, panel.getBoundingClientRect());
}

function inside(a, b) {
  return a.top >= b.top - 1 && a.bottom <= b.bottom + 1 && a.left >= b.left - 1 && a.right <= b.right + 1;
}

/** One object a panel. */
function panels() {
  return [...document.querySelectorAll(".panel")].map((panel) => ({
    title: panel.querySelector("h3").textContent,
    ...panel.dataset,
    points: Number(panel.dataset.points),
    step: Number(panel.dataset.step),
    note: panel.querySelector(".note").textContent,
    painted: painted(panel),
    legend: [...panel.querySelectorAll(".legend [data-name]")].map(({ dataset }) => ({ ...dataset })),
    values: [...panel.querySelectorAll("[data-at]")].map((one) => ({
      ...one.dataset,
      text: one.textContent,
      seen: seen(panel, one),
    })),
  }));
}

const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
const linear = (byte) => (byte / 255 <= 0.03928 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);

function lightness(colour) {
  const [r, g, b] = numbers(colour).map(linear);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function background(node) {
  for (let at = node; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if ((numbers(colour)[3] ?? 1) === 1) return colour;
  }
  return "rgb(255, 255, 255)";
}

/** The texts whose contrast to what is behind them is less than `least` (WCAG 2): [text, contrast]. */
function pale(least) {
  const texts =
    ".brand, nav a, h1, h3, .intro p, button, select, label, .stat-value, .legend span, footer span";
  return [...document.querySelectorAll(texts)]
    .filter((node) => node.offsetParent)
    .map((node) => {
      const both = [lightness(getComputedStyle(node).color), lightness(background(node))];
      return [node.textContent, (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)];
    })
    .filter(([, contrast]) => contrast < least);
}
