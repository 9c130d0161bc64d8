"""Statements on what is drawn and measured: problems, streams, scenarios, measurements."""
