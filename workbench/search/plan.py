"""A list of interventions, looked up by prefix while it is replayed.

Errors name an item by its number in the list, from 1.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InterventionError
from workbench.interventions import AttentionEdit, Ban, EditSource, Force, Intervention, Prefix
from workbench.records import Floats
from workbench.search.decoding import NEVER, Decoded
from workbench.search.editing import check
from workbench.search.rules import Rules
from workbench.search.sources import Source


@dataclass
class Here:
    """What is to be done at one prefix: attention edits, banned tokens, a token to force."""

    edits: tuple[AttentionEdit, ...] = ()
    banned: frozenset[int] = frozenset()
    forced: int | None = None

    def shut(self, decoded: Decoded, rules: Rules) -> NDArray[np.bool_]:
        """Tell which tokens may not follow [V].

        A forced one may, whatever the rules say of it. Padding, unknown and begin symbols may
        only where they are forced.
        """
        size = len(decoded.following)
        if self.forced is not None:
            return np.arange(size) != self.forced
        shut = rules.barred(decoded.ids, size)
        shut[[*NEVER, *self.banned]] = True
        return shut

    def barred(self, decoded: Decoded, rules: Rules) -> NDArray[np.bool_]:
        """Tell which tokens may not follow by the rules alone [V]: else they might."""
        barred = rules.barred(decoded.ids, len(decoded.following))
        barred[[*NEVER, *self.banned]] = False
        return barred & (self.forced is None)


class Plan:
    """What is to be done at each prefix, and what of it has been."""

    def __init__(self, items: Sequence[Intervention], source: Source) -> None:
        """Apply what edits the source and number the tokens.

        Raises:
            InterventionError: a token or position that is not there, or two items that contradict
                each other.
        """
        self.items, self.source = items, source
        self._here: dict[Prefix, Here] = defaultdict(Here)
        self._reached: set[Prefix] = set()
        for item in items:
            if isinstance(item, EditSource):
                with self.naming(item):
                    self.source = self.source.edited(item)
        for item in items:
            if not isinstance(item, EditSource):
                with self.naming(item):
                    self._take(item)

    def at(self, prefix: Prefix) -> Here:
        """Return what is to be done at a prefix, which is reached hereby."""
        self._reached.add(prefix)
        return self.look(prefix)

    def look(self, prefix: Prefix) -> Here:
        """Return what is to be done at a prefix, should it be reached."""
        return self._here.get(prefix, Here())

    @contextmanager
    def naming(self, item: Intervention | None = None) -> Iterator[None]:
        """Let an error begin with the number of the item that it is about."""
        try:
            yield
        except InterventionError as error:
            about = item or error.item
            numbers = [n for n, each in enumerate(self.items, 1) if each is about]
            if numbers:
                raise InterventionError(f"item {numbers[0]}: {error}") from None
            raise

    def check_edits(self, attention: Floats) -> None:
        """Check all edits of attention against what a step reads [L, H, S]."""
        for item in self.items:
            if isinstance(item, AttentionEdit):
                with self.naming(item):
                    check(item, attention.shape)

    def check_reached(self) -> None:
        """Refuse items of which the prefix was never reached.

        Raises:
            InterventionError: there is one.
        """
        for item in self.items:
            if not isinstance(item, EditSource) and item.prefix not in self._reached:
                with self.naming(item):
                    written = " ".join(item.prefix) or "the beginning"
                    raise InterventionError(
                        f"its prefix was not reached: {written}; take it out, or force the prefix"
                    )

    def _take(self, item: Force | Ban | AttentionEdit) -> None:
        here = self._here[item.prefix]
        if isinstance(item, AttentionEdit):
            here.edits += (item,)
            return
        number = self.source.number(item.token)
        if isinstance(item, Ban):
            here.banned |= {number}
        elif here.forced is not None:
            raise InterventionError("another item forces a token behind the same prefix")
        else:
            here.forced = number
        if here.forced in here.banned:
            raise InterventionError(f"{item.token!r} is both forced and banned behind this prefix")
