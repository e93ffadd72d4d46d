"""The library of compiled operators: loading, build record, build and status."""
