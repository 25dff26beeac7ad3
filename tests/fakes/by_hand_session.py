"""A session over a step in NumPy: what decoding by hand needs of one, done at once."""

from concurrent.futures import Future

import traitlets

from workbench.config import RunConfig


class HandSession(traitlets.HasTraits):
    """Does at once what is requested of its stepper, and keeps all other requests in `asked`."""

    state = traitlets.Unicode("trained")
    busy = traitlets.Unicode("")
    error = traitlets.Unicode("")
    progress = traitlets.Any(None)
    draft = traitlets.Any()
    taken_apart = traitlets.Any(None)
    translation = traitlets.Any(None)
    stale = ()

    def __init__(self, make_stepper, **settings):
        super().__init__()
        self.config = RunConfig(live=True, beam_width=3, max_decode_length=8, **settings)
        self.draft = self.config
        self.make = make_stepper
        self.history, self.encoded, self.asked = [], {}, []
        self.corpus_loaded = None

    def configure(self, **changes):
        self.draft = self.draft.replace(**changes)

    def request(self, command, *given):
        future = Future()
        if command == "stepper":
            self.taken_apart = self.make(*given)
        elif command == "take_apart":
            given[0](self.taken_apart)
        else:
            self.asked.append(((command, *given), future))
            return future
        future.set_result(None)
        return future
