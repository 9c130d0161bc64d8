"""Tests that every planted fault is refuted."""
