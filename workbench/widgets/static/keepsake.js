// Puts still figures below their panel into the notebook of this page. JupyterLab does that itself
// with what the kernel sends to a cell, but only on the page that ran the cell.
const WIDGET = "application/vnd.jupyter.widget-view+json";

function initialize({ model }) {
  const keep = ({ marks, figures }) => {
    const cells = model.widget_manager.context?.model?.cells; // of JupyterLab and Notebook 7
    for (const { outputs } of cells ?? []) {
      if (outputs && shows(outputs, model.get("panel"))) put(outputs, model.get("panel"), marks, figures);
    }
  };
  model.on("msg:custom", keep);
  model.send({ mounted: true });
  return () => model.off("msg:custom", keep);
}

const dataOf = (outputs) => Array.from({ length: outputs.length }, (_, at) => outputs.get(at).toJSON().data ?? {});
const shows = (outputs, panel) => dataOf(outputs).some((data) => data[WIDGET]?.model_id === panel);

// Each figure stands behind its mark. What else the cell has printed or shown stays as it is.
export function put(outputs, panel, marks, figures) {
  const named = `data-panel="${panel}"`;
  const places = dataOf(outputs).flatMap((data, at) => (text(data["text/html"]).includes(named) ? [at + 1] : []));
  figures.forEach((figure, number) => {
    const at = places[number];
    if (at === undefined) {
      outputs.add(output(marks[number]));
      outputs.add(output(figure));
    } else if (!same(outputs.get(at)?.toJSON().data, figure)) outputs.set(at, output(figure));
  });
}

const output = (data) => ({ output_type: "display_data", data, metadata: {} });
const same = (one, other) => ["image/png", "text/html", "text/plain"].every((kind) => text(one?.[kind]) === text(other[kind]));
const text = (form) => [form ?? ""].flat().join("").trim();

export default { initialize };
