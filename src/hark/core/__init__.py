"""What everything else stands on: errors, types, settings, components, files."""
