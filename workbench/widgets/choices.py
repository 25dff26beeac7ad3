"""What a person has chosen to look at: shared by all copies of all panels of a session."""

from typing import ClassVar
from weakref import WeakKeyDictionary

import traitlets

from workbench.model.estimate import Speed

QUIET = ("quiet", "")
MEAN, MAXIMUM = -1, -2  # of the heads or layers, where no single one is chosen
LATEST = -1


class Choices(traitlets.HasTraits):
    """Panels keep no state of their own: it is in the session, or here.

    Traits:
        text: the sentence that is looked at.
        layer, head: counted from 0; MEAN and MAXIMUM over all of them.
        hypothesis: which one of the translation, 0 being the best.
        probe: which of the sentences that training watches.
        moment: which of the evaluations with probes; LATEST follows training.
        tab: which panel of the workbench is open, from 0.
        runs: the run directories that are compared.
        mass: show only the cells that hold the first 75 % of a row's attention.
        gold: draw the gold alignment over the attention.
        step: which step of the hypothesis, from 0.
        left, right: the two models that are compared, as run directory and step of a checkpoint;
            no directory for the session itself, step 0 for the weights that a run ended with.
        path: what is typed as the directory of another run.
        figure: which figure of the runs is drawn, as `charts.overlay` takes it.
        notebook: what is run headless; report_name: what that run is called; again: what if it
            was run before.
        faults: what was typed in a form and makes no sense, with the reason, by setting.
        group: which group of the model's settings is open.
        own_files: take sentence pairs from files, even before one is named.
        split: which part of the corpus the samples are of, sample the first of them, from 0.
        side: which vocabulary cuts the sentence, `source` or `target`.
        speeds: what this machine does in a second of training, by precision, once measured.
        unfolded: the titles of the parts that are folded out.
        target: whose attention: that of the `translation`, or of the `reference`.
        kind: which attention: `cross`, `encoder` or `decoder`.
        notice: a message of the panels, as tone (see `Status`) and text.
    """

    text = traitlets.Unicode("")
    layer = traitlets.Int(MEAN)
    head = traitlets.Int(MEAN)
    hypothesis = traitlets.Int(0)
    probe = traitlets.Int(0)
    moment = traitlets.Int(LATEST)
    tab = traitlets.Int(0)
    runs = traitlets.Tuple()
    step = traitlets.Int(0)
    left = traitlets.Tuple(traitlets.Unicode(), traitlets.Int(), default_value=("", 0))
    right = traitlets.Tuple(traitlets.Unicode(), traitlets.Int(), default_value=("", 0))
    path = traitlets.Unicode("")
    figure = traitlets.Unicode("training_loss")
    notebook = traitlets.Unicode("")
    report_name = traitlets.Unicode("")
    again = traitlets.Unicode("keep it")
    faults = traitlets.Dict()
    group = traitlets.Unicode("Model")
    own_files = traitlets.Bool(False)
    split = traitlets.Enum(("train", "validation", "test"), "train")
    sample = traitlets.Int(0)
    side = traitlets.Enum(("source", "target"), "source")
    speeds: "traitlets.Dict[str, Speed]" = traitlets.Dict()
    mass = traitlets.Bool(False)
    gold = traitlets.Bool(True)
    unfolded = traitlets.Tuple()
    target = traitlets.Enum(("translation", "reference"), "translation")
    kind = traitlets.Enum(("cross", "encoder", "decoder"), "cross")
    notice = traitlets.Tuple(traitlets.Unicode(), traitlets.Unicode(), default_value=QUIET)

    _all: ClassVar["WeakKeyDictionary[traitlets.HasTraits, Choices]"] = WeakKeyDictionary()

    @classmethod
    def of(cls, session: traitlets.HasTraits) -> "Choices":
        """Return the choices made for `session`."""
        return cls._all.setdefault(session, cls())
