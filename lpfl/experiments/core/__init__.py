"""What experiments share: runs, curves, estimates, pages."""
