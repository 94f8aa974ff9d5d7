"""What a report draws: one figure a file, from numbers alone."""
