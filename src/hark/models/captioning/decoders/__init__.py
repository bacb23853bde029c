"""One file for each decoder: `build(memory=, speller=)` returns a module of (memory, words) -> logits, with a stepper.

`forward(memory, words)` is (batch, t, size): the logits of the word behind each of `words` (batch, t), the first of
which is `speller.start`. `stepper(memory)` says the same word by word: what `hark.caption.stepper` calls a Stepper.
"""
