"""Results as files: schema, store, comparison, baseline, gate."""
