"""The compiled operators: their library, its record, its build and its status."""
