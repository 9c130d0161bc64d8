"""What a subject does instead, told from its updates where no reading fits."""
