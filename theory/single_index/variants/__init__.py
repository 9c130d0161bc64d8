"""Single-index learning with the factors that practice uses."""
