"""The command line, one file per noun. It speaks HTTP, except `up`, `doctor`, `new`, `image` and `chemistry`."""
