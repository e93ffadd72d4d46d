"""Image files and arrays: reading, headers, resizing protocols, framing, video."""
