"""Training that leaves its record: what becomes of every step in the run directory and in logs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from workbench.config import RunConfig
from workbench.data.encoding import Codec, EncodedPairs
from workbench.model.seq2seq import Seq2Seq
from workbench.records import Block, Progress
from workbench.runs import RunDirectory
from workbench.training import device
from workbench.training.checkpoint import Checkpoints
from workbench.training.control import Control
from workbench.training.facts import after_training
from workbench.training.logs import Logged, Logs
from workbench.training.loop import Evaluate, Loop, Traced
from workbench.training.sinks import JsonLines, ProbeLog, Sink, watched_history
from workbench.training.usage import Usage, in_sum, read_usage


@dataclass(frozen=True)
class Listener:
    """Who hears of a training as it goes on, in the thread that trains.

    Attributes:
        begun: the history so far, which grows by every step.
        stepped: a step is done.
        warned: something is not as it was asked for, and training goes on.
    """

    begun: Callable[[list[Progress]], None]
    stepped: Callable[[Progress], None]
    warned: Callable[[str], None]


@dataclass(frozen=True)
class RecordedTraining:
    """One training from its last checkpoint, or from the start, to its end or a stop.

    Attributes:
        model, pairs, config, evaluate, traced: see `Loop`.
        codec, blocks: what logs are told of the model; the blocks are asked for then.
        directory: where the record is written.
        control: what a person does to training between two steps.
        wanted_rate: says which learning rate the next step is to have.
        listener: who hears of it.
    """

    model: Seq2Seq
    pairs: EncodedPairs
    config: RunConfig
    evaluate: Evaluate
    traced: Mapping[str, Traced]
    codec: Codec
    blocks: Callable[[], tuple[Block, ...]]
    directory: RunDirectory
    control: Control
    wanted_rate: Callable[[], float]
    listener: Listener

    def __call__(self) -> bool:
        """Train; return whether training came to its end, so that another finds no step to do.

        Raises:
            LossNotFiniteError: the loss is not a number; what was done so far is on record.
        """
        directory = self.directory
        loop = Loop(
            self.model, self.pairs, self.config, self.evaluate,
            Checkpoints(directory.checkpoints, self.config.keep_checkpoints),
            traced=self.traced, clock=self.control.clock,
        )  # fmt: skip
        with self._logging(loop.position.step) as logs, ExitStack() as ending:
            sinks: list[Sink] = [
                JsonLines(directory.metrics, loop.position.step),
                ProbeLog(directory.probes, loop.position.step),
                Usage(directory.usage, device.watched_gpus()),
            ]
            history = list(watched_history(directory.metrics, directory.probes))
            self.listener.begun(history)
            self._mind_the_rate(loop)
            steps = loop.run()
            # whatever fails of what follows, the rest of it is done
            ending.callback(lambda: directory.update(
                training=after_training(loop, history),
                usage=in_sum(read_usage(directory.usage)),
            ))  # fmt: skip
            for sink in sinks:
                ending.callback(sink.close)
            ending.callback(steps.close)  # writes a checkpoint unless training came to its end
            for progress in steps:
                history.append(progress)
                for sink in sinks:
                    sink.write(progress)
                logs.write(progress)
                self.listener.stepped(progress)
                self.control.stepped()
                self._mind_the_rate(loop)
                self._mind_the_logs(logs)
                if self.control.stopped:
                    break
        return loop.finished

    @contextmanager
    def _logging(self, step: int) -> Iterator[Logs]:
        """Tell those in `log_to` of training from `step` on, until the end of the block."""
        directory = self.directory
        known = directory.read().get("logs", {}) if step else {}
        logs = Logs(
            Logged(directory.path, self.config, self.model, self.codec, self.blocks(), step, known)
        )
        directory.update(logs=logs.called, dropped_logs={})
        try:
            with logs:
                yield logs
        finally:
            self._mind_the_logs(logs)

    def _mind_the_logs(self, logs: Logs) -> None:
        """Tell of a log that was dropped since the last look."""
        for name, reason in logs.lost():
            self.directory.update(dropped_logs=dict(logs.dropped))
            self.listener.warned(f"{name} was dropped, training goes on without it: {reason}")

    def _mind_the_rate(self, loop: Loop) -> None:
        """Train on with the learning rate wanted, and let `run.json` tell where it changed."""
        rate = self.wanted_rate()
        if rate != loop.config.learning_rate:
            loop.config = loop.config.replace(learning_rate=rate)
            change = {"after_step": loop.position.step, "learning_rate": rate}
            self.directory.update(changes=[*self.directory.read().get("changes", []), change])
