"""Breaks a running instance in every way it can, under load, and holds it to its promises afterwards."""
