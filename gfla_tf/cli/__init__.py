"""The command line: argument parsing only; TensorFlow is imported when a command runs."""
