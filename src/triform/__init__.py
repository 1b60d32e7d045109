"""Triform: hand over code, get a governed, isolated, metered, versioned operation at one URL."""

__version__ = "0.1.0"
