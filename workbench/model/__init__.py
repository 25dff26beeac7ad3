"""The encoder-decoder: embeddings, recurrent stacks, attention, and the one step."""
