"""Where sentence pairs come from: built in, or files of one's own."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from workbench.config import DataSettings, Setting
from workbench.data.catalogue import BUILT_IN, built_in
from workbench.errors import DataError, SettingsError
from workbench.widgets.choices import Choices
from workbench.widgets.forms import ALWAYS, Form

if TYPE_CHECKING:
    from workbench.session import Session

OWN = "files of your own"
FILES = ("train_file", "validation_file", "test_file")
OF_FILES = (*FILES, "source_column", "target_column")
_DEFAULT = DataSettings.model_fields["corpus"].default


class DataForm(Form):
    """The settings of the data, with a choice of what is built in.

    Another corpus starts afresh: columns and splits of the one before would mean nothing in it.
    """

    watched: ClassVar[tuple[str, ...]] = (*Form.watched, "own_files")

    @property
    def own(self) -> bool:
        """Whether the pairs are to come from files, even where none is named yet."""
        return self.choices.own_files or bool(self._named())

    def check(self) -> None:
        """Refuse to go on while something in the form makes no sense.

        Raises:
            DataError: no file is named, or a value waits for its correction.
        """
        for name, (_, reason) in self.choices.faults.items():
            if name in self.settings:
                raise DataError(reason)
        check_files(self.session, self.choices)

    def take(self, name: str, value: Any) -> None:
        """See `Form.take`."""
        if name == "corpus":
            self.choices.own_files = value == OWN
            faults = self.choices.faults.items()
            self.choices.faults = {each: fault for each, fault in faults if each not in OF_FILES}
        super().take(name, value)

    def changes(self, name: str, value: Any) -> dict[str, Any]:
        """See `Form.changes`; that pairs come from files is no change before one is named."""
        if name == "corpus":
            return {} if value == OWN else {"corpus": value, "split": "", **_no_files()}
        if name == "train_file":
            return {"train_file": value, "corpus": _DEFAULT, "split": ""}
        return super().changes(name, value)

    def value(self, setting: Setting) -> Any:
        """See `Form.value`."""
        if setting.name == "corpus":
            return OWN if self.own else self.session.draft.corpus
        if setting.name == "train_file":
            return self._named()
        if setting.name == "split":
            return self.session.draft.split or next(iter(self._splits()), "")
        return super().value(setting)

    def options(self, setting: Setting) -> tuple[str, ...]:
        """See `Form.options`."""
        return self._splits() if setting.name == "split" else super().options(setting)

    def hidden(self, name: str) -> bool:
        """See `Form.hidden`."""
        if name == "split":
            return len(self._splits()) < 2
        return name in OF_FILES and not self.own

    def help(self, setting: Setting) -> str:
        """See `Form.help`."""
        if setting.name == "corpus":
            return BUILT_IN.get(self.value(setting), "sentence pairs as TSV, CSV, JSON Lines, …")
        return super().help(setting)

    def _chosen(self, groups: Any, names: Any) -> dict[str, Setting]:
        """Make choices of what the settings take as text."""
        known = super()._chosen(groups, names)
        known["corpus"] = replace(known["corpus"], choices=(*BUILT_IN, OWN))
        known["split"] = replace(known["split"], choices=("",))
        return {name: known[name] for name in ("corpus", "split", *OF_FILES, *known)}

    def _named(self) -> str:
        return named_file(self.session)

    def _splits(self) -> tuple[str, ...]:
        draft = self.session.draft
        splits = {each.name: each.splits for each in built_in()}
        return () if self.own else splits[draft.corpus]


def check_filled_in(session: "Session", choices: Choices) -> None:
    """Refuse to build or to train where the forms show something else than would be done.

    Under way, training goes by what it began with, and only what may still change counts.

    Raises:
        WorkbenchError: a value waits for its correction, or own files are wanted and none is named.
    """
    under_way = session.state in ("training", "paused")
    for name, (_, reason) in choices.faults.items():
        if name in ALWAYS or not under_way:
            raise SettingsError(reason)
    if not under_way:
        check_files(session, choices)


def check_files(session: "Session", choices: Choices) -> None:
    """Refuse to take what is built in for the files that a person wants to bring.

    Raises:
        DataError: they are not named yet.
    """
    if choices.own_files and not named_file(session):
        raise DataError(
            "train_file: name the file with the training pairs, or upload it; or choose a corpus "
            "that is built in"
        )


def named_file(session: "Session") -> str:
    """Return the file of the training pairs; nothing where they are built in."""
    draft = session.draft
    return draft.train_file or ("" if draft.corpus in BUILT_IN else draft.corpus)


def _no_files() -> dict[str, str]:
    return dict.fromkeys(OF_FILES, "")
