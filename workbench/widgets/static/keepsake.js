// Puts still figures below their panel into the notebook of this page. JupyterLab does that itself
// with what the kernel sends to a cell, but only on the page that ran the cell.
const WIDGET = "application/vnd.jupyter.widget-view+json";

function initialize({ model }) {
  const keep = ({ marks, figures }) => {
    const cells = model.widget_manager.context?.model?.cells; // of JupyterLab and Notebook 7
    for (const { outputs } of cells ?? []) {
      const place = outputs ? find(outputs, model.get("panel")) : -1;
      if (place >= 0) figures.forEach((figure, k) => {
        put(outputs, place + 1 + 2 * k, marks[k]);
        put(outputs, place + 2 + 2 * k, figure);
      });
    }
  };
  model.on("msg:custom", keep);
  model.send({ mounted: true });
  return () => model.off("msg:custom", keep);
}

function find(outputs, panel) {
  for (let at = 0; at < outputs.length; at++) {
    if (outputs.get(at).toJSON().data?.[WIDGET]?.model_id === panel) return at;
  }
  return -1;
}

function put(outputs, at, data) {
  const output = { output_type: "display_data", data, metadata: {} };
  if (at >= outputs.length) outputs.add(output);
  else if (!same(outputs.get(at).toJSON().data, data)) outputs.set(at, output);
}

const same = (one, other) => ["image/png", "text/html", "text/plain"].every((kind) => text(one?.[kind]) === text(other[kind]));
const text = (form) => [form ?? ""].flat().join("").trim();

export default { initialize };
