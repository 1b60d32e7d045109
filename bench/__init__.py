"""Side-by-side measurements: ours, its peers' ways, and the physical floor, in one run on one machine."""
