"""The only package that knows which class stands behind each interface."""
