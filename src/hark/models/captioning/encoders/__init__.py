"""One file for each encoder of frames: `build(heard=)` returns a module of (frames, lengths) -> Memory, with `dim`."""
