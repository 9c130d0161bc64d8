"""Setups that confront every optimizer with an oracle or with itself."""
