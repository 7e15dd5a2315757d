"""Making and measuring language models of hints: scenes with known answers, training, tuning, benchmarks."""
