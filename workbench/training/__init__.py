"""Training: the loss, the schedules, the loop, checkpoints, and those who listen to it."""
