"""Image files and arrays: reading, header checks, resizing protocols, fitting to the model, video."""
