"""What several commands share: words, options, and the ways of a terminal."""
