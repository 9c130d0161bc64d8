"""The one picture of the paper's claim: how fast each method learns features, to which floor."""
