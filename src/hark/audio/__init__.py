"""Sound before it is a vector: decoding, resampling, windows, augmentation, front ends."""
