"""What may be asked of a session when, and why the rest is refused. Nothing here knows a model."""

from dataclasses import dataclass

from workbench.errors import WorkbenchError, nearest

COMMANDS = (
    "load", "build", "train", "pause", "resume", "advance", "stop", "translate", "stepper",
    "take_apart", "score", "self_attention", "evaluate", "diagnose", "attribute",
    "wanted_attention", "states", "over_time", "save",
)  # fmt: skip
OF_A_MODEL = COMMANDS[COMMANDS.index("translate") :]
BEGINNING = {"train", "advance"}  # of a training
MAKES_A_MODEL = {"build", *BEGINNING}
STEERING = ("pause", "resume", "advance", "stop")
WITHOUT_MODEL = ("empty", "data")  # the states in which there is none
UNDER_WAY = ("training", "paused")  # those in which a training is
BUILDING, NO_MODEL = "building the model", "there is no model yet: build or train one first"


@dataclass(frozen=True)
class Standing:
    """Where a session stands, as far as that decides what may be asked of it.

    Attributes:
        state, busy: as of `Session`.
        awaited: the commands that were requested and have not begun.
        leads: whether training is steered here, and not by another worker.
        stale: whether the settings wanted make another model than the one that is there.
        taken_apart: whether there is a stepper.
    """

    state: str = "empty"
    busy: str = ""
    awaited: frozenset[str] = frozenset()
    leads: bool = True
    stale: bool = False
    taken_apart: bool = False

    @property
    def has_model(self) -> bool:
        """Whether there is a model."""
        return self.state not in WITHOUT_MODEL

    @property
    def under_way(self) -> bool:
        """Whether training has begun and not ended."""
        return self.state in UNDER_WAY


def refusal(command: str, now: Standing) -> str:
    """Say why to request `command` makes no sense now; empty where it does.

    Raises:
        WorkbenchError: there is no such command.
    """
    if command not in COMMANDS:
        raise WorkbenchError(
            f"expected a command ({', '.join(COMMANDS)}), got {command!r}"
            f"{nearest(command, COMMANDS)}"
        )
    return out_of_place(command, now) or untimely(command, now)


def out_of_place(command: str, now: Standing) -> str:
    """Say why `command` makes no sense in this state, whoever asks."""
    if command in STEERING and not now.leads:
        return "worker 0 leads this training; ask for it there"
    if command in ("load", "build") and now.under_way:
        return "training is under way; stop it first"
    if command == "build" and now.has_model and not now.stale:
        return "the model is built already; change a setting to build another"
    if command == "train" and now.state == "training":
        return "training is under way; wait for it or stop it first"
    if command == "train" and now.state == "paused":
        return "training is paused; resume it or stop it"
    if command in ("advance", "over_time") and now.state == "training":
        return "training is under way; pause it first"
    if command == "pause" and now.state != "training":
        return "nothing is training; there is nothing to pause"
    if command == "resume" and now.state != "paused":
        return "training is not paused; there is nothing to resume"
    if command == "take_apart" and not now.taken_apart:
        return "no translation is taken apart yet; ask for a stepper first"
    if command == "take_apart" and now.state == "training":
        return "training is under way and changes the model; pause it or stop it first"
    if command == "stop" and not now.under_way:
        return "nothing is training; there is nothing to stop"
    return ""


def untimely(command: str, now: Standing) -> str:
    """Say why a request of `command` comes too early, or twice."""
    coming = now.busy == BUILDING or now.awaited & MAKES_A_MODEL
    if command in OF_A_MODEL and not now.has_model and not coming:
        return NO_MODEL
    if command == "build" and command in now.awaited:
        return "the model is about to be built; wait for it"
    if command in MAKES_A_MODEL and now.awaited & BEGINNING:
        return "training is about to begin; wait for it"
    return ""
