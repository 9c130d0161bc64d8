"""Figure 1: head-to-head on a linear representation."""
