"""How far a verdict can be trusted: how often it errs, and what it would have caught."""
