"""What one family of benchmarks shares: declarations, readers of its files, and metrics of its own."""
