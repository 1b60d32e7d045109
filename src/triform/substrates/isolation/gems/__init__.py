"""Dependencies of user code: from requirements to a read-only bundle, with the programs of the language."""
