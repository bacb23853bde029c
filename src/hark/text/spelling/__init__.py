"""One file for each way to spell captions as numbers; `build(captions=, assets=)` returns a `text.speller.Speller`."""
