"""Small models that a subject trains, and what is measured on them."""
