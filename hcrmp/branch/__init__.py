"""What would have happened: recorded drives simulated again, exactly, and driven on by others from any moment."""
