"""A step function in NumPy: two layers, two heads, no model and no TensorFlow."""

import numpy as np

from workbench.search.decoding import Outcome

UNITS = 5


def softmax(values):
    exponents = np.exp(values - values.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


class FakeStep:
    """A small decoder; every layer's attention depends on what the layer below has read.

    `stepped` and `encoded` tell of every call: the latest tokens, the source ids.
    """

    editable = True
    layers, heads = 2, 2

    def __init__(self, source_size, target_size, seed=4):
        normal = np.random.default_rng(seed).normal
        self.sources = normal(size=(source_size, UNITS))
        self.targets = normal(size=(target_size, UNITS))
        self.recur = normal(size=(UNITS, UNITS))
        self.queries = 0.4 * normal(size=(self.layers, self.heads, UNITS, UNITS))
        self.contexts = normal(size=(self.layers, self.heads, UNITS, UNITS))
        self.leave = 2 * normal(size=(UNITS, target_size))
        self.stepped, self.encoded = [], []

    def encode(self, source):
        self.encoded.append(tuple(source))
        return np.zeros(UNITS), self.sources[list(source)]

    def step(self, tokens, states, memory, attention=None):
        self.stepped += tokens
        rows = [
            self.one(token, state, memory, None if attention is None else attention[row])
            for row, (token, state) in enumerate(zip(tokens, states, strict=True))
        ]
        logs, read, new = zip(*rows, strict=True)
        return Outcome(np.stack(logs), np.stack(read), new)

    def one(self, token, state, memory, given=None):
        state = np.tanh(state @ self.recur + self.targets[token])
        inner, read = state, np.zeros((self.layers, self.heads, len(memory)), np.float32)
        for layer in range(self.layers):
            for head in range(self.heads):
                own = softmax(memory @ (self.queries[layer, head] @ inner)).astype(np.float32)
                there = own if given is None else given[layer, head]
                read[layer, head] = np.where(np.isnan(there), own, there)
            contexts = [
                (read[layer, head] @ memory) @ self.contexts[layer, head]
                for head in range(self.heads)
            ]
            inner = np.tanh(inner + sum(contexts))
        logs = np.log(softmax(inner @ self.leave))
        return logs.astype(np.float32), read, state + inner


class Plain(FakeStep):
    """Without attention, and with no way to give it any."""

    editable, layers = False, 0

    def one(self, token, state, memory, given=None):
        assert given is None
        state = np.tanh(state @ self.recur + self.targets[token] + memory.mean(0))
        logs = np.log(softmax(state @ self.leave))
        return logs.astype(np.float32), np.zeros((0, 1, len(memory)), np.float32), state
