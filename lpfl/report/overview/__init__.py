"""Pages about several runs: two or more side by side, and the index of all pages of a folder."""
