"""Figure 2: alignment after one step."""
