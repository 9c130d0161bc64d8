"""What a scheduler does to a run: rates and momenta that change while it goes on."""
