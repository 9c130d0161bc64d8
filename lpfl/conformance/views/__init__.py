"""A report as HTML, text and JUnit."""
