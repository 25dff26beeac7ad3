// A table of runs: headings sort it, names lead to the reports. Texts of runs become text nodes.
function render({ model, el }) {
  const box = el.appendChild(document.createElement("div"));
  box.className = "wb-runs";
  box.tabIndex = 0; // it scrolls sideways
  box.setAttribute("role", "region");

  function paint() {
    const { caption = "", label = caption, columns = [], rows = [] } = model.get("shown");
    const at = box.querySelector("button:focus")?.dataset.column;
    const open = new Set([...box.querySelectorAll("details[open]")].map((part) => part.dataset.run));
    const table = element("table", {}, ...(caption ? [element("caption", {}, caption)] : []),
      element("thead", {}, element("tr", {}, ...columns.map(heading))),
      element("tbody", {}, ...rows.map((row) => line(row, columns, model.get("home"), open))));
    box.setAttribute("aria-label", label);
    box.replaceChildren(table);
    if (at) box.querySelector(`button[data-column="${CSS.escape(at)}"]`)?.focus();
  }

  const sort = (event) => {
    const name = event.target.closest?.("button")?.dataset.column;
    if (name) model.send({ sort: name });
  };
  box.addEventListener("click", sort);
  model.on("change:shown", paint);
  paint();
  return () => {
    box.removeEventListener("click", sort);
    model.off("change:shown", paint);
  };
}

function element(tag, fields = {}, ...children) {
  const made = Object.assign(document.createElement(tag), fields);
  made.append(...children);
  return made;
}

function heading({ name, heading: text, number, sorted }) {
  const cell = element("th", { scope: "col", className: number ? "wb-right" : "" });
  if (sorted) {
    const button = element("button", { type: "button", title: `sort by ${text}` }, text);
    button.dataset.column = name;
    cell.ariaSort = sorted;
    cell.append(button);
  } else {
    cell.append(text);
  }
  return cell;
}

function line({ name, path, cells, details }, columns, home, open) {
  const row = element("tr");
  row.append(element("th", { scope: "row" }, link(name, path, home)));
  cells.forEach(({ text, top, kind }, place) => {
    const cell = element("td", { className: columns[place + 1].number ? "wb-right" : "" }, text);
    if (top) cell.classList.add("wb-top");
    if (kind) cell.dataset.kind = kind;
    row.append(cell);
  });
  if (details) {
    const part = element("details", { open: open.has(name) },
      element("summary", {}, "traceback"), element("pre", { tabIndex: 0 }, details));
    part.dataset.run = name;
    row.lastElementChild.append(part);
  }
  return row;
}

function link(name, path, home) {
  const href = path && addressOf(path, home);
  if (!href) return element("span", { title: path }, name); // no server hands it out
  return element("a", { href, target: "_blank", rel: "noopener", title: path }, name);
}

export default { render };
