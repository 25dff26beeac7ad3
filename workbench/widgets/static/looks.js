// Keys pressed in a control of a panel are the control's: JupyterLab leaves a control alone that
// says so itself, and would else delete the cell at D D in a drop-down list.
const mark = ({ target }) => {
  if (target.closest?.(".wb-panel")) target.dataset.lmSuppressShortcuts = "true";
};

export default {
  initialize() {
    document.addEventListener("focusin", mark, true);
    return () => document.removeEventListener("focusin", mark, true);
  },
};
