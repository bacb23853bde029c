"""What says what is heard: encoders of frames, and decoders into words."""
