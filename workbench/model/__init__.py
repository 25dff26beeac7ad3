"""The encoder-decoder: recurrent, convolutional and Transformer stacks, attention, the one step."""
