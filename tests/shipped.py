"""The definitions as they are shipped, read once per process of tests."""

from triform.chemistry.catalogue import load

CATALOGUE = load()
