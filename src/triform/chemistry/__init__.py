"""What element types are: YAML definitions, compiled once into a frozen catalogue. Pure: it only reads files."""
