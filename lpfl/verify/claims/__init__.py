"""The checks of the project's own packs: one package a pack, one topic a file."""
