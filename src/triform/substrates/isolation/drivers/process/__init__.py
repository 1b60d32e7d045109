"""Sandboxes from Linux namespaces, seccomp and cgroups; clones are forks of a warm, loaded process.

Nothing is imported here: the launcher starts through this package with the standard library alone.
"""
