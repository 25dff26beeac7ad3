// Draws every chart of the page, light or dark as the reader's system is, and again when that
// changes. The picture that stands there before gives way once its chart is drawn. Another script
// may change the specification at a figure's event `drawing`, take the view at `drawn`, and ask
// for the figure to be drawn anew with the event `redraw`.
const darkness = matchMedia("(prefers-color-scheme: dark)");
const darkConfig = JSON.parse(document.getElementById("dark").textContent);
const drawn = new Map();

async function draw(figure) {
  const specification = JSON.parse(figure.querySelector("script").textContent);
  delete specification.usermeta; // its options would override ours
  figure.dispatchEvent(new CustomEvent("drawing", { detail: specification }));
  if (darkness.matches) specification.config = darkConfig;
  drawn.get(figure)?.finalize();
  const result = await vegaEmbed(figure.querySelector(".view"), specification, {
    actions: false,
    ast: true, // expressions are interpreted: the page allows no eval
    renderer: "svg",
  });
  drawn.set(figure, result);
  figure.classList.add("drawn");
  figure.dispatchEvent(new CustomEvent("drawn", { detail: result.view }));
}

async function drawAll() {
  for (const figure of document.querySelectorAll(".chart")) await draw(figure);
}

async function save(figure, kind) {
  const link = document.createElement("a");
  link.href = await drawn.get(figure).view.toImageURL(kind, 2);
  link.download = `${document.title} ${figure.id}.${kind}`;
  link.click();
}

function saveButton(figure, kind) {
  const button = document.createElement("button");
  button.textContent = kind.toUpperCase();
  button.title = `Save this chart as ${kind.toUpperCase()}`;
  button.addEventListener("click", () => save(figure, kind));
  return button;
}

for (const figure of document.querySelectorAll(".chart")) {
  figure.querySelector("figcaption").append(saveButton(figure, "svg"), saveButton(figure, "png"));
}
let drawing = drawAll();
for (const figure of document.querySelectorAll(".chart")) {
  figure.addEventListener("redraw", () => (drawing = drawing.then(() => draw(figure))));
}
darkness.addEventListener("change", () => (drawing = drawing.then(drawAll)));
