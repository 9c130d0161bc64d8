"""The world's optimizers as subjects: a catalogue, the survey that judges it, and its page."""
